"""What sending does with receivers of every kind, and with names that lead within (S38)."""

import asyncio
import datetime
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.webhooks import GuardedTargets, LateWebhookSender, Resolver, SystemResolver
from adapters.webhooks.addresses import LOOKUPS_AT_ONCE, SAVED_WITHIN
from adapters.webhooks.connections import MOST_TRIED
from adapters.webhooks.sender import HttpWebhookSender
from application.webhooks.gate import MOST_AT_ONCE
from domain.errors import Invalid
from domain.webhooks.delivery import Answer
from tests.webhook_receiver import Receiver, answering, drip_for_ever, hang, receiving, reset

PATIENCE = 10.0
SHORT = 0.3
PUBLIC = "93.184.215.14"
WITHIN = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"]  # noqa: S104


class Names(Resolver):
    """What each name stands for: one answer after the other, the last one for good."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host not in self._answers:
            try:
                return [str(ip_address(host))]
            except ValueError:
                raise socket.gaierror(f"{host} is not known") from None
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class World(httpcore.AsyncNetworkBackend):
    """Everything outside is the receiver of the test; what would have been connected to is noted."""

    def __init__(self, port: int, unreachable: Sequence[str] = ()) -> None:
        self.called: list[str] = []
        self._port = port
        self._unreachable = unreachable
        self.given: list[float | None] = []
        self._behind = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (as httpcore has it)
        *rest: Any,
    ) -> httpcore.AsyncNetworkStream:
        self.called.append(host)
        self.given.append(timeout)
        if host in self._unreachable:
            raise httpcore.ConnectError("Nobody there.")
        return await self._behind.connect_tcp("127.0.0.1", self._port)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@asynccontextmanager
async def sending(**options: Any) -> AsyncIterator[HttpWebhookSender]:
    settings = {"timeout": PATIENCE, "to_loopback": True, **options}
    sender = HttpWebhookSender(settings.pop("resolver", Names()), **settings)
    try:
        yield sender
    finally:
        await sender.close()


async def send_to(receiver: Receiver, **options: Any) -> Answer:
    async with sending(**options) as sender:
        return await sender.send(receiver.url, {"webhook-id": "m1"}, b'{"a":1}')


async def test_what_is_sent_is_what_arrives(receiver: Receiver) -> None:
    answer = await send_to(receiver)
    assert (answer.status, answer.error, answer.retry_after) == (204, None, None)
    assert answer.took > datetime.timedelta()
    [found] = receiver.received
    assert (found.path, found.id, found.body) == ("/hook", "m1", b'{"a":1}')
    assert found.headers["content-type"] == "application/json"
    assert found.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [200, 299, 300, 400, 404, 410, 429, 500, 503])
async def test_the_status_is_told_as_it_is(receiver: Receiver, status: int) -> None:
    receiver.usually = answering(status, "Retry-After: Sat, 21 Nov 2026 09:32:15 GMT")
    answer = await send_to(receiver)
    assert (answer.status, answer.error) == (status, None)
    assert answer.retry_after == "Sat, 21 Nov 2026 09:32:15 GMT"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    async with receiving() as within:
        receiver.usually = answering(status, f"Location: {within.url}")
        assert (await send_to(receiver)).status == status
        assert (len(receiver.received), within.received) == (1, [])


async def test_a_receiver_that_never_answers_costs_no_longer_than_is_set(receiver: Receiver) -> None:
    receiver.usually = hang
    began = time.monotonic()
    answer = await send_to(receiver, timeout=SHORT)
    assert SHORT <= time.monotonic() - began < PATIENCE
    assert (answer.status, answer.error) == (None, "There was no answer within 0.3 s.")


async def test_a_receiver_that_answers_a_byte_at_a_time_is_left_too(receiver: Receiver) -> None:
    """Each wait is short; the whole would be long."""

    async def slowly(_: Any, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(SHORT / 5)

    receiver.usually = slowly
    answer = await send_to(receiver, timeout=SHORT)
    assert answer.status is None
    assert "within" in str(answer.error)


async def test_an_answer_without_an_end_is_not_read_to_it(receiver: Receiver) -> None:
    receiver.usually = drip_for_ever
    answer = await send_to(receiver)
    assert (answer.status, answer.error) == (200, None)


async def test_a_status_counts_whatever_becomes_of_the_body(receiver: Receiver) -> None:
    async def stop_in_between(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfew")

    async def stall(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\nfew")
        await asyncio.Event().wait()

    receiver.script.extend((stop_in_between, stall))
    assert (await send_to(receiver)).status == 200
    assert (await send_to(receiver, timeout=SHORT)).status == 500


async def test_a_connection_that_breaks_is_told(receiver: Receiver) -> None:
    receiver.usually = reset
    answer = await send_to(receiver)
    assert answer.status is None
    assert "Error" in str(answer.error)


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", b"\x16\x03\x01" * 50],
)
async def test_what_is_no_http_is_no_success(receiver: Receiver, said: bytes) -> None:
    async def say(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    receiver.usually = say
    answer = await send_to(receiver)
    assert answer.status is None
    assert answer.error


async def test_nobody_at_the_other_end_is_told() -> None:
    async with receiving() as gone:
        pass
    answer = await send_to(gone)
    assert answer.status is None
    assert "Connect" in str(answer.error)


async def test_connections_are_used_again(receiver: Receiver) -> None:
    async def keep(_: Any, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with sending() as sender:
        receiver.usually = keep
        await sender.send(receiver.url, {}, b"1")
        await sender.send(receiver.url, {}, b"2")
    assert receiver.connections == 1


async def test_no_more_than_so_many_connections_are_open(receiver: Receiver) -> None:
    go_on = asyncio.Event()

    async def wait(_: Any, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await answering(204)(_, writer)

    receiver.usually = wait
    async with sending() as sender, asyncio.TaskGroup() as tasks:
        sent = [tasks.create_task(sender.send(receiver.url, {}, b"x")) for _ in range(2 * MOST_AT_ONCE)]
        async with asyncio.timeout(PATIENCE):
            while receiver.at_once < MOST_AT_ONCE:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        go_on.set()
    assert {task.result().status for task in sent} == {204}
    assert receiver.most_at_once == MOST_AT_ONCE


async def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await send_to(receiver)).status == 204
        assert proxy.received == []


async def test_the_client_is_made_with_the_first_message_and_holds_up_nobody(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, in a thread of its own."""
    made_in: list[int] = []
    read_trust = ssl.create_default_context

    def noted() -> ssl.SSLContext:
        made_in.append(threading.get_ident())
        return read_trust()

    monkeypatch.setattr(ssl, "create_default_context", noted)
    late = LateWebhookSender(Names(), timeout=PATIENCE, to_loopback=True)
    answers = await asyncio.gather(*(late.send(receiver.url, {}, b"") for _ in range(3)))
    assert {answer.status for answer in answers} == {204}
    assert len(made_in) == 1
    assert threading.get_ident() not in made_in
    await late.close()


# S38: by name, redirect or rebinding, at save and at send


@pytest.mark.parametrize("address", WITHIN)
async def test_a_name_that_leads_within_is_never_connected_to(receiver: Receiver, address: str) -> None:
    for answers in ([address], [PUBLIC, address], [address, PUBLIC]):
        world = World(receiver.port)
        async with sending(resolver=Names(evil_example=[answers]), to_loopback=False, backend=world) as sender:
            answer = await sender.send("http://evil.example/hook", {}, b"x")
        assert "not in the world outside" in str(answer.error)
        assert (world.called, receiver.received) == ([], [])


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "2130706433", "0x7f.1"])
async def test_nor_an_address_within_that_was_saved_somehow(receiver: Receiver, address: str) -> None:
    world, resolver = World(receiver.port), SystemResolver()
    async with sending(resolver=resolver, to_loopback=False, backend=world) as sender:
        answer = await sender.send(f"http://{address}/hook", {}, b"x")
    resolver.close()
    assert answer.status is None
    assert (world.called, receiver.received) == ([], [])


async def test_what_was_checked_is_what_is_connected_to(receiver: Receiver) -> None:
    """Rebinding: each answer but the first leads within. There is no second question before the connection."""
    names, world = Names(evil_example=[[PUBLIC], ["127.0.0.1"]]), World(receiver.port)
    async with sending(resolver=names, to_loopback=False, backend=world) as sender:
        first = await sender.send("http://evil.example/hook", {}, b"x")
        second = await sender.send("http://evil.example/hook", {}, b"x")
    assert first.status == 204
    assert "not in the world outside" in str(second.error)
    assert world.called == [PUBLIC]
    assert names.asked == ["evil.example", "evil.example"]
    assert [found.headers["host"] for found in receiver.received] == ["evil.example"]


async def test_a_name_is_checked_when_it_is_saved_and_again_when_it_is_called(receiver: Receiver) -> None:
    """Public when it was saved, within when it is called."""
    names, world = Names(evil_example=[[PUBLIC], ["10.0.0.1"]]), World(receiver.port)
    targets = GuardedTargets(names, https_only=False, to_loopback=False)
    url = await targets.accepted("http://evil.example/hook")
    async with sending(resolver=names, to_loopback=False, backend=world) as sender:
        assert (await sender.send(url, {}, b"x")).status is None
    assert world.called == []


async def test_a_redirect_within_is_an_answer_that_is_no_success(receiver: Receiver) -> None:
    world = World(receiver.port)
    receiver.usually = answering(307, "Location: http://169.254.169.254/latest/meta-data")
    async with sending(resolver=Names(a_example=[[PUBLIC]]), to_loopback=False, backend=world) as sender:
        assert (await sender.send("http://a.example/", {}, b"x")).status == 307
    assert world.called == [PUBLIC]


async def test_a_name_with_several_addresses_is_reached_by_any_of_them(receiver: Receiver) -> None:
    world = World(receiver.port, unreachable=["8.8.8.8"])
    async with sending(resolver=Names(a_example=[["8.8.8.8", PUBLIC]]), to_loopback=False, backend=world) as sender:
        assert (await sender.send("http://a.example/", {}, b"x")).status == 204
    assert world.called == ["8.8.8.8", PUBLIC]


async def test_an_address_that_hangs_leaves_time_for_the_others(receiver: Receiver) -> None:
    """Of many, a few are tried."""
    silent = [f"8.8.8.{n}" for n in range(40)]
    for answers, status in (([*silent[:2], PUBLIC], 204), ([*silent, PUBLIC], None)):
        world = World(receiver.port, unreachable=silent)
        async with sending(resolver=Names(a_example=[answers]), to_loopback=False, backend=world) as sender:
            assert (await sender.send("http://a.example/", {}, b"x")).status == status
        tried = min(len(answers), MOST_TRIED)
        assert world.called == answers[:tried]
        assert world.given == [PATIENCE / tried] * tried


async def test_a_name_server_that_hangs_holds_up_no_other_name() -> None:
    """Nor is it asked again for what it has not answered yet."""
    asked: list[str] = []
    go_on = threading.Event()

    def ask(host: str) -> Sequence[str]:
        asked.append(host)
        if host == "slow.example":
            assert go_on.wait(PATIENCE)
        if host == "unknown.example":
            raise socket.gaierror(f"{host} is not known")
        return [PUBLIC]

    resolver = SystemResolver(ask)
    waiting = [asyncio.create_task(resolver.resolve("slow.example")) for _ in range(3 * LOOKUPS_AT_ONCE)]
    given_up = asyncio.create_task(resolver.resolve("slow.example"))
    await asyncio.sleep(0)
    given_up.cancel()
    async with asyncio.timeout(PATIENCE):
        assert await resolver.resolve("quick.example") == [PUBLIC]
        assert await resolver.resolve("8.8.8.8") == ["8.8.8.8"]
        assert await resolver.resolve("2001:4860:4860:0::8888") == ["2001:4860:4860::8888"]
        with pytest.raises(OSError, match="not known"):
            await resolver.resolve("unknown.example")
        go_on.set()
        assert await asyncio.gather(*waiting) == [[PUBLIC]] * len(waiting)
        assert await resolver.resolve("slow.example") == [PUBLIC]
    resolver.close()
    assert asked == ["slow.example", "quick.example", "unknown.example", "slow.example"]


async def test_a_name_that_is_not_known_is_an_error_and_no_crash() -> None:
    async with sending() as sender:
        answer = await sender.send("http://nowhere.example/", {}, b"x")
    assert answer.status is None
    assert "nowhere.example" in str(answer.error)


async def test_loopback_alone_is_opened_by_the_setting(receiver: Receiver) -> None:
    names, world = Names(here_example=[["127.0.0.1", "::1"]], inner_example=[["10.0.0.1"]]), World(receiver.port)
    async with sending(resolver=names, backend=world) as sender:
        assert (await sender.send("http://here.example/", {}, b"x")).status == 204
        assert (await sender.send("http://inner.example/", {}, b"x")).status is None
    assert world.called == ["127.0.0.1"]


@pytest.mark.parametrize("address", WITHIN)
async def test_a_name_that_leads_within_is_refused_when_it_is_saved(address: str) -> None:
    for answers in ([address], [PUBLIC, address]):
        targets = GuardedTargets(Names(evil_example=[answers]), https_only=False, to_loopback=False)
        with pytest.raises(Invalid) as refused:
            await targets.accepted("http://evil.example/hook")
        assert refused.value.code == "internal-address"


async def test_a_name_that_cannot_be_resolved_just_now_is_taken() -> None:
    class Hanging(Resolver):
        async def resolve(self, host: str) -> Sequence[str]:
            await asyncio.Event().wait()
            return []

    for resolver in (Names(), Names(later_example=[["not an address"]]), Hanging()):
        targets = GuardedTargets(resolver, https_only=False, to_loopback=False)
        async with asyncio.timeout(SAVED_WITHIN + PATIENCE):
            assert await targets.accepted("http://later.example/hook") == "http://later.example/hook"


async def test_tls_wants_a_certificate_for_the_name_whatever_the_address(receiver: Receiver, tmp_path: Path) -> None:
    for name, is_good in (("good.example", True), ("another.example", False)):
        certificate = certificate_for("good.example", tmp_path)
        async with over_tls(certificate) as port:
            trust = ssl.create_default_context(cafile=str(certificate))
            names = Names(**{name.replace(".", "_"): [[PUBLIC]]})
            async with sending(resolver=names, to_loopback=False, backend=World(port), trust=trust) as sender:
                answer = await sender.send(f"https://{name}/hook", {}, b"x")
        assert (answer.status == 204) is is_good
        assert ("certificate" in str(answer.error).lower()) is not is_good


async def test_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    names = Names(good_example=[[PUBLIC]])
    async with (
        over_tls(certificate_for("good.example", tmp_path)) as port,
        sending(resolver=names, to_loopback=False, backend=World(port)) as sender,
    ):
        answer = await sender.send("https://good.example/hook", {}, b"x")
    assert "certificate" in str(answer.error).lower()


def certificate_for(name: str, folder: Path) -> Path:
    """One that signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def over_tls(certificate: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 OK\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
