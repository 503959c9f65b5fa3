"""Where webhooks may lead (S38): whatever the notation, never to a machine within."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.webhooks.targets import LONGEST_URL, address_of, is_loopback, is_outside, literal, target

WITHIN_4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",  # noqa: S104
    "127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.254", "192.0.0.1",
    "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.254", "198.18.0.1", "198.19.255.254",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
"""Of each block that is no machine's in the world outside; metadata services among them."""
SPECIAL = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "ff00::/8",
]  # fmt: skip
"""IANA's registries of special addresses, less those that wrap an address of IPv4, and those of AS112 and AMT."""
METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "169.254.42.42", "168.63.129.16",
    "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
    "fe80::a9fe:a9fe",
]  # fmt: skip
"""Of Amazon, Google, Azure, Alibaba, Oracle, Tencent, Scaleway, OpenStack and those that do as they do."""
OUTSIDE_4 = ["1.1.1.1", "8.8.8.8", "9.9.9.9", "11.0.0.1", "100.63.0.1", "100.128.0.1", "126.1.1.1", "128.0.0.1",
             "172.15.0.1", "172.32.0.1", "192.0.66.1", "192.167.1.1", "192.169.1.1", "223.255.255.1"]  # fmt: skip
WITHIN_6 = [
    "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8",
    "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1",
    "8000::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OUTSIDE_6 = ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1", "2400:cb00::1"]
NAMES_WITHIN = [
    "localhost", "LOCALHOST", "localhost.", "foo.localhost", "a.b.localhost.", "localhost.localdomain", "printer.local",
    "db.internal", "metadata.google.internal", "METADATA.GOOGLE.INTERNAL.", "router.lan", "nas.home", "x.home.arpa",
    "intranet", "wiki.intranet", "mail.corp", "a.private", "postgres", "redis", "kubernetes", "ｌｏｃａｌｈｏｓｔ",
    "localhost\uff0e", "ⓛocalhost", "api.default.svc", "web.service.consul", "a.test", "a.onion", "a.invalid.",
]  # fmt: skip
BAD = [
    "", " ", "example.com", "//example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:70/_x",
    "unix:///run/x.sock", "javascript:alert(1)", "data:text/plain,x", "dict://example.com:11211/", "http:/example.com",
    "http:///x", "http://", "http://?x", "http://user@example.com/", "http://user:secret@example.com/",
    "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/", "http://example.com/#part",
    "http://exa mple.com/",
    "http://example.com/a b", "http://example.com\\@127.0.0.1/", "http://example.com/\r\nHost: x", "http://example.com:0/",
    "http://example.com:65536/", "http://example.com:x/", "http://example.com:80:80/", "http://[::1", "http://::1/",
    "http://[fe80::1%25eth0]/", "http://[1.2.3.4]/", "http://exam%70le.com/", "http://%31%32%37.0.0.1/", "http://.com/",
    "http://a..b/", "http://-a.com/", "http://a-.com/", "http://1.2.3.4.5/", "http://1.2.3.4.0/", "http://256.1.1.1/", "http://1.2.3.256/",
    "http://08.1.1.1/", "http://0x1g.1/", "http://4294967296/", "http://1.16777216/", "http://1.2.65536/",
    "http://example.com/ü", "http://example.com/?ü", "http://exa\0mple.com/", "http://example.com/\x7f", "http://a.com/\ud800",
    f"http://example.com/{'x' * 2000}", f"http://{'a' * 64}.com/", f"http://{'a.' * 130}com/", "http://a_b!.com/",
]  # fmt: skip


def notations(text: str) -> Iterator[str]:
    """All that `inet_aton` takes for this address, and what wraps it in IPv6."""
    number = int(IPv4Address(text))
    parts = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    one, two, three, four = parts
    for form in ("{}", "0{:o}", "00{:o}", "0x{:x}", "0X{:02X}"):
        yield form.format(number)
        yield ".".join(form.format(part) for part in (one, number & 0xFFFFFF))
        yield ".".join(form.format(part) for part in (one, two, number & 0xFFFF))
        yield ".".join(form.format(part) for part in parts)
    yield f"0x{one:x}.0{two:o}.{three}.{four}"
    yield f"{text}."
    yield text.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    yield text.replace(".", "。")
    for wrapping in (f"::ffff:{text}", f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"):
        yield f"[{wrapping}]"
        yield f"[{wrapping.upper()}]"
    yield f"[0:0:0:0:0:ffff:{text}]"
    yield f"[64:ff9b::{text}]"


IN_ANY_NOTATION = [notation for text in WITHIN_4 for notation in dict.fromkeys(notations(text))]


def refused(url: str, *, to_loopback: bool = False, https_only: bool = False) -> str:
    with pytest.raises(Invalid) as error:
        target(url, https_only=https_only, to_loopback=to_loopback)
    return error.value.code


def test_there_are_hundreds_of_notations() -> None:
    assert len(IN_ANY_NOTATION) > 600


@pytest.mark.parametrize("host", WITHIN_4)
def test_an_address_within_is_refused_in_every_notation(host: str) -> None:
    for notation in notations(host):
        for url in (f"http://{notation}/", f"https://{notation}:8443/x?y", f"HTTP://{notation}"):
            assert refused(url) == "internal-address", url


@pytest.mark.parametrize("text", WITHIN_6)
def test_an_address_of_ipv6_within_is_refused(text: str) -> None:
    assert not is_outside(ip_address(text))
    for notation in (text, text.upper(), IPv6Address(text).exploded):
        assert refused(f"http://[{notation}]:80/") == "internal-address"


@pytest.mark.parametrize("block", SPECIAL)
def test_no_special_block_is_outside(block: str) -> None:
    network = ip_network(block)
    middle = network[network.num_addresses // 2]
    assert not any(map(is_outside, (network[0], middle, network[-1])))


def test_nor_is_one_of_which_python_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (IPv4Address, IPv6Address):
        monkeypatch.setattr(kind, "is_global", True)
        monkeypatch.setattr(kind, "is_multicast", False)
        monkeypatch.setattr(kind, "is_reserved", False)
    assert not [text for text in (*WITHIN_4, *WITHIN_6, *METADATA) if is_outside(ip_address(text))]


@pytest.mark.parametrize("text", METADATA)
def test_no_metadata_service_of_a_cloud_is_outside(text: str) -> None:
    assert not is_outside(ip_address(text))
    host = f"[{text}]" if ":" in text else text
    assert refused(f"http://{host}/latest/meta-data") == "internal-address"


@pytest.mark.parametrize("url", ["https://example.com./x", "https://EXAMPLE.com\u3002/x"])
def test_a_name_is_called_without_the_dot_at_its_end(url: str) -> None:
    found = target(url, https_only=True, to_loopback=False)
    assert (found.url, found.host) == ("https://example.com/x", "example.com")
    assert refused(url.replace("com", "com.")) == "bad-url"


def test_names_for_documentation_are_taken() -> None:
    assert target("https://hooks.example/x", https_only=True, to_loopback=False).host == "hooks.example"


@pytest.mark.parametrize("host", OUTSIDE_4)
def test_an_address_outside_is_taken_in_every_notation_and_called_by_its_own(host: str) -> None:
    for notation in notations(host):
        if notation.startswith("["):
            assert target(f"http://{notation}/", https_only=False, to_loopback=False).address is not None
            continue
        found = target(f"http://{notation}/", https_only=False, to_loopback=False)
        assert (found.url, found.address) == (f"http://{host}/", IPv4Address(host))


@pytest.mark.parametrize("text", OUTSIDE_6)
def test_an_address_of_ipv6_outside_is_taken(text: str) -> None:
    found = target(f"https://[{IPv6Address(text).exploded}]:444/", https_only=True, to_loopback=False)
    assert found.url == f"https://[{text}]:444/"


@pytest.mark.parametrize("name", NAMES_WITHIN)
def test_a_name_within_is_refused(name: str) -> None:
    assert refused(f"http://{name}/") == "internal-address"


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    assert refused(url) == "bad-url"


@given(st.text(max_size=60))
def test_whatever_is_typed_is_taken_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/x", f"http://[{text}]/"):
        try:
            found = target(url, https_only=False, to_loopback=False)
        except Invalid:
            continue
        assert found.url.isascii()
        assert found.address is None or is_outside(found.address)
        again = target(found.url, https_only=False, to_loopback=False)
        assert again == found, "what is stored is what is called"


@given(st.ip_addresses(v=4))
def test_of_ipv4_the_notation_is_of_no_matter(address: IPv4Address) -> None:
    for notation in notations(str(address)):
        if not notation.startswith("[") and notation.isascii():
            assert literal(notation.lower()) == address


@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_counts(address: IPv4Address) -> None:
    for prefix in (0xFFFF << 32, 0x64_FF9B << 96):
        assert is_outside(IPv6Address(prefix | int(address))) == is_outside(address)
    assert not is_outside(IPv6Address(0x2002 << 112 | int(address) << 80))
    if not address.is_global:
        assert not is_outside(address)


@pytest.mark.parametrize("url", ["http://b\u00fccher.example/a", "HTTP://B\u00dcCHER.Example:80/a"])
def test_a_name_is_called_in_ascii(url: str) -> None:
    found = target(url, https_only=False, to_loopback=False)
    assert found.host == "xn--bcher-kva.example"
    assert found.url.startswith("http://xn--bcher-kva.example")


def test_loopback_is_opened_by_itself_alone() -> None:
    for host in ("127.0.0.1", "127.1", "localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"):
        assert target(f"http://{host}:80/", https_only=False, to_loopback=True)
    for host in (*WITHIN_4, *NAMES_WITHIN):
        address = ip_address(host) if host[0].isdigit() else None
        is_local = "localhost" in host.lower() or "ｌ" in host or "ⓛ" in host
        if (address is not None and is_loopback(address)) or (is_local and not host.endswith("localdomain")):
            continue
        assert refused(f"http://{host}/", to_loopback=True) == "internal-address"


def test_production_wants_https() -> None:
    assert refused("http://example.com/", https_only=True) == "bad-url"
    assert target("https://example.com", https_only=True, to_loopback=False).url == "https://example.com/"


def told(url: str) -> str:
    """What is said of a URL that is refused, and that it is the URL."""
    with pytest.raises(Invalid) as error:
        target(url, https_only=url.startswith("http://prod."), to_loopback=False)
    assert error.value.problems[0].pointer == "/url"
    assert error.value.problems[0].detail == error.value.detail
    return error.value.detail


@pytest.mark.parametrize(
    ("url", "beginning"),
    [
        ("ftp://example.com/", "This is no http or https URL"),
        ("http://example.com:0/", "There is no such port"),
        ("http://example.com/ü", "Behind the host, write what is not ASCII"),
        ("http://prod.example/", "In production this has to be an https URL"),
        ("http://[1::2::3]/", "This is no IPv6 address"),
        (f"http://[{'0' * 70}]/", "This is no IPv6 address"),
        ("http://-a.com/", "This is no name of a host"),
        (f"http://{'ü' * 70}.com/", "This is no name of a host"),
        ("http://256.1.1.1/", "This is no IPv4 address"),
        ("http://127.0.0.1/", "This leads to a machine that is not in the world outside"),
        ("http://localhost/", "This leads to a machine that is not in the world outside"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(url: str, beginning: str) -> None:
    assert told(url).startswith(beginning)


def test_the_longest_url_is_taken_and_a_longer_one_is_not() -> None:
    longest = "https://hooks.example/" + "x" * (LONGEST_URL - 22)
    assert target(longest, https_only=True, to_loopback=False).url == longest
    assert refused(longest + "x") == "bad-url"


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_first_and_the_last_port_are_taken(port: int) -> None:
    url = f"https://hooks.example:{port}/"
    assert target(url, https_only=True, to_loopback=False).url == url


def test_the_longest_name_is_taken_and_a_longer_one_is_not() -> None:
    longest = ".".join(["a" * 49] * 5) + ".abc"
    assert len(longest) == 253
    assert target(f"https://{longest}/", https_only=True, to_loopback=False).host == longest
    assert refused(f"https://{longest}d/") == "bad-url"


def test_the_host_of_ipv6_is_called_without_brackets() -> None:
    assert target("https://[2606:4700:4700::1111]/", https_only=True, to_loopback=False).host == "2606:4700:4700::1111"


def test_a_part_of_an_address_may_be_a_zero_in_hexadecimal() -> None:
    assert literal("8.8.8.0x") == IPv4Address("8.8.8.0")


@pytest.mark.parametrize("host", ["[X::1]", "[::1X]", "[]"])
def test_in_brackets_stands_an_address_and_nothing_else(host: str) -> None:
    with pytest.raises(Invalid) as error:
        literal(host)
    assert error.value.code == "bad-url"


@pytest.mark.parametrize("host", ["localhost", "localhost.", "a.localhost", "a.localhost."])
def test_a_name_of_loopback_may_end_in_a_dot(host: str) -> None:
    found = target(f"http://{host}/", https_only=False, to_loopback=True)
    assert (found.host, found.address) == (host.removesuffix("."), None)


@pytest.mark.parametrize(("known_as", "value"), [("is_global", False), ("is_multicast", True), ("is_reserved", True)])
def test_what_python_takes_for_special_is_not_outside_either(
    known_as: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_outside(ip_address("8.8.8.8"))
    monkeypatch.setattr(IPv4Address, known_as, value)
    assert not is_outside(ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    ("text", "address"), [("8.8.8.8", "8.8.8.8"), ("fe80::1", "fe80::1"), ("fe80::1%eth0", "fe80::1")]
)
def test_what_a_resolver_answers_is_read_without_its_zone(text: str, address: str) -> None:
    assert address_of(text) == ip_address(address)
