"""Where webhooks may lead: to the world outside, and never to a machine within, however its address is written."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from domain.errors import Invalid

Address = IPv4Address | IPv6Address

LONGEST_URL = 2_000
_URL = re.compile(r"(?i:(https?))://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\\\[\]%]+)(:[0-9]{1,5})?(/[^\s?#\\]*)?(\?[^\s#\\]*)?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_INSIDE = (
    "localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "localdomain", "home.arpa",
    "svc", "consul", "test", "onion", "invalid",
)  # fmt: skip
"""Names below these are of nobody outside (RFC 6761, 6762, 7686, 8375, ICANN's list of reserved names, and habit)."""

_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")
_NOT_OUTSIDE = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # IANA's special blocks of IPv4, for Python's own list differs from version to version
            "10.0.0.0/8",
            "100.64.0.0/10",  # of carriers, and of the metadata service of a cloud (100.100.100.200)
            "127.0.0.0/8",
            "168.63.129.16/32",  # a cloud's own services, though the address is an ordinary one
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "2001::/23",  # Teredo, and other protocols' own
            "2001:db8::/32",
            "2002::/16",  # 6to4 wraps any IPv4 address
            "3fff::/20",  # for documentation (RFC 9637)
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """`url` as it is called, with its host in ASCII. `address` is that of a host that is no name."""

    url: str
    host: str
    address: Address | None


def target(url: str, *, https_only: bool, to_loopback: bool) -> Target:
    """What a URL leads to, as far as it tells by itself.

    Raises:
        Invalid: `bad-url`, `internal-address`.
    """
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL and url.isprintable() else None
    if found is None:
        raise _bad("This is no http or https URL, without a user, a fragment, blanks or backslashes.")
    scheme, host, port, path, query = found.groups(default="")
    scheme, host = scheme.lower(), _in_ascii(host)
    if port and not 0 < int(port[1:]) < 65_536:
        raise _bad("There is no such port.")
    if not (path + query).isascii():
        raise _bad("Behind the host, write what is not ASCII with %.")
    if https_only and scheme != "https":
        raise _bad("In production this has to be an https URL.")
    address = literal(host)
    if address is not None:
        require_outside(address, to_loopback=to_loopback)
        host = f"[{address}]" if address.version == 6 else str(address)
    elif _is_inside(host) and not (to_loopback and _is_loopback_name(host)):
        raise internal()
    else:
        host = host.removesuffix(".")  # no certificate, and hardly any server, knows a name with it
    return Target(f"{scheme}://{host}{port}{path or '/'}{query}", host.strip("[]"), address)


def literal(host: str) -> Address | None:
    """The address that a host is, in any notation that a system may take for one: of IPv6, and of IPv4 with 1 to 4
    parts, each decimal, octal or hexadecimal (as inet_aton reads it); None where it is a name.

    Raises:
        Invalid: `bad-url`; it is neither.
    """
    if host.startswith("["):
        try:
            return IPv6Address(host.strip("[]"))
        except ValueError:
            raise _bad("This is no IPv6 address.") from None
    labels = host.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(labels[-1]):
        if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
            raise _bad("This is no name of a host.")
        return None
    try:
        *first, last = [_number(label) for label in labels]
        if len(labels) > 4 or any(part > 255 for part in first) or last >= 256 ** (5 - len(labels)):
            raise ValueError
    except ValueError:
        raise _bad("This is no IPv4 address.") from None
    return IPv4Address(sum(part << 8 * (3 - place) for place, part in enumerate(first)) + last)


def require_outside(address: Address, *, to_loopback: bool) -> None:
    """Raises Invalid (`internal-address`)."""
    if not is_outside(address) and not (to_loopback and is_loopback(address)):
        raise internal()


def is_outside(address: Address) -> bool:
    """Whether it is of one machine in the world outside; of an address that wraps another one, whether that is."""
    inner = _wrapped(address)
    if inner is not None:
        return is_outside(inner)
    if any(address in network for network in _NOT_OUTSIDE if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_loopback(address: Address) -> bool:
    return (_wrapped(address) or address).is_loopback


def _wrapped(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def internal() -> Invalid:
    return Invalid.field("internal-address", "/url", "This leads to a machine that is not in the world outside.")


def _bad(detail: str) -> Invalid:
    return Invalid.field("bad-url", "/url", detail)


def _in_ascii(host: str) -> str:
    """As a resolver is asked for it: in small letters, what is not ASCII in the form of IDNA."""
    try:
        return (host if host.isascii() else host.encode("idna").decode("ascii")).lower()
    except UnicodeError:
        raise _bad("This is no name of a host.") from None


def _number(text: str) -> int:
    """Raises ValueError where it is none."""
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)


def _is_inside(host: str) -> bool:
    """A name of one word alone is one of the own network."""
    name = host.removesuffix(".")
    return "." not in name or any(name.endswith(f".{suffix}") for suffix in _INSIDE)


def _is_loopback_name(host: str) -> bool:
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def address_of(text: str) -> Address:
    """Of what a resolver answered, without the zone that it may name."""
    return ip_address(text.partition("%")[0])
