"""What bounds live connections (S37): whoever does not read is put out, and nobody else notices; floods and bombs."""

import asyncio
import json
import socket

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from entrypoints.http import live_protocol
from entrypoints.http.live_protocol import LARGEST_BACKLOG
from entrypoints.settings import Settings
from tests.entrypoints.http.live import LiveClient, LiveServer, serving_live
from tests.waiting import until

pytestmark = pytest.mark.parametrize("store_name", ["memory"])
LONG = "x" * 3900


@pytest.fixture
def as_fast_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may say more in a second than anybody would."""
    monkeypatch.setattr(live_protocol, "MOST_FRAMES", 10**9)


def a_small_socket(live: LiveServer) -> socket.socket:
    """Whose system holds little of what its reader does not take."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    small.connect(("127.0.0.1", live.port))
    small.setblocking(False)
    return small


fast = pytest.mark.usefixtures("as_fast_as_may_be")


@fast
async def test_a_reader_that_stops_is_put_out_and_others_hear_everything(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, tokens = await live.api.member()
    await live.room(root)
    async with live.client(root) as speaker, live.client(tokens) as reader:
        await speaker.join("lobby")
        await reader.join("lobby")
        async with live.socket(max_queue=1, sock=a_small_socket(live)) as stalled:
            await stalled.send("auth", token=tokens.access_token)
            await stalled.join("lobby")
            stalled.socket.transport.pause_reading()
            heard: list[str] = []
            reading = asyncio.create_task(_read_to_the_end(reader, heard))
            said = 0
            while live.api.application.live.switchboard.connections == 3:
                await speaker.say("lobby", f"{said} {LONG}")
                said += 1
                assert said < 20_000, "it should have been put out"
            await speaker.say("lobby", "the end")
            await reading
            assert heard == [*map(str, range(said)), "the"]
            stalled.socket.transport.resume_reading()
            assert await stalled.closed() == 1013


async def _read_to_the_end(reader: LiveClient, heard: list[str]) -> None:
    while "the" not in heard[-1:]:
        heard.append((await reader.next("message"))["text"].split()[0])


@fast
async def test_what_waits_for_one_who_stalls_is_bounded(live: LiveServer) -> None:
    """Whatever the system buffers by itself comes on top, and is its own matter."""
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as speaker, live.socket(max_queue=1, sock=a_small_socket(live)) as stalled:
        await speaker.join("lobby")
        await stalled.send("auth", token=root.access_token)
        await stalled.join("lobby")
        stalled.socket.transport.pause_reading()
        sockets = [each for each in live.server.server_state.connections if hasattr(each, "write_frame")]
        most = 0
        while live.api.application.live.switchboard.connections == 2:
            await speaker.say("lobby", LONG)
            most = max(most, *(each.transport.get_write_buffer_size() for each in sockets))
        assert LARGEST_BACKLOG / 2 < most < LARGEST_BACKLOG + 2 * len(LONG)


@pytest.mark.parametrize(
    "frame", [b"\x89\x80", b"\x8a\x80", b"\x01\x80", b"\x81\x80"], ids=["ping", "pong", "part", "text"]
)
async def test_a_flood_of_empty_frames_is_cut_off(live: LiveServer, frame: bytes) -> None:
    """S37: by who has not even said who they are."""
    first = frame + b"mask"
    following = b"\x00\x80mask" if frame[0] == 0x01 else first
    async with live.socket() as client:
        client.socket.transport.write(first + following * 100_000)
        assert await client.closed() == 1008
    await until(lambda: live.api.app.state.live_places.taken == 0)


async def test_pings_whose_answers_nobody_reads_are_bounded(live: LiveServer) -> None:
    """A few at a time, so that they are no flood."""
    async with live.socket(sock=a_small_socket(live)) as client:
        [server] = [each for each in live.server.server_state.connections if hasattr(each, "write_frame")]
        transport = client.socket.transport
        transport.pause_reading()
        ping = Frame(Opcode.PING, b"x" * 125).serialize(mask=True)
        while server in live.server.server_state.connections:
            server._frames = 0  # as if seconds had passed
            transport.write(ping * 500)
            await asyncio.sleep(0.001)
            assert server.transport.get_write_buffer_size() < 2 * LARGEST_BACKLOG


@fast
async def test_who_neither_reads_nor_answers_pings_is_gone(live: LiveServer) -> None:
    """Found by a reader who stayed in the room for ever: what was on its way was waited for."""
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as speaker, live.socket(max_queue=1, sock=a_small_socket(live)) as stalled:
        await speaker.join("lobby")
        await stalled.send("auth", token=root.access_token)
        await stalled.join("lobby")
        servers = [each for each in live.server.server_state.connections if hasattr(each, "write_frame")]
        stalled.socket.transport.pause_reading()
        [server] = [each for each in servers if each.client[1] == stalled.socket.local_address[1]]
        while server.transport.get_write_buffer_size() < 10_000:
            await speaker.say("lobby", LONG)
        server.keepalive_timeout()
        await until(lambda: live.api.application.live.switchboard.connections == 1)
        await until(lambda: live.api.app.state.live_places.taken == 1)


@fast
async def test_a_stream_that_nobody_reads_ends_and_gives_its_place_back(live: LiveServer) -> None:
    _, root = await live.api.admin()
    await live.room(root)
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=1024)
    lines = ["GET /api/v1/live/events?rooms=lobby HTTP/1.1", "Host: x", f"Authorization: Bearer {root.access_token}"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await reader.readline()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with live.client(root) as speaker:
        await speaker.join("lobby")
        while live.api.application.live.switchboard.connections == 2:
            await speaker.say("lobby", LONG)
        await until(lambda: live.api.app.state.live_places.taken == 1)
    writer.transport.abort()


@fast
async def test_a_client_that_stalls_does_not_hold_up_a_server_that_stops(live: LiveServer) -> None:
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as speaker, live.socket(max_queue=1, sock=a_small_socket(live)) as stalled:
        await speaker.join("lobby")
        await stalled.send("auth", token=root.access_token)
        await stalled.join("lobby")
        stalled.socket.transport.pause_reading()
        sockets = [each for each in live.server.server_state.connections if hasattr(each, "write_frame")]
        while max(each.transport.get_write_buffer_size() for each in sockets) < 10_000:
            await speaker.say("lobby", LONG)
        live.server.should_exit = True
        await until(lambda: not live.server.server_state.connections)
        assert not live.server.force_exit


async def test_wrong_credentials_count_for_the_address(settings: Settings) -> None:
    limited = settings.model_copy(update={"rate_limit_default": "5/minute"})
    async with serving_live("memory", limited) as live:
        for _ in range(6):
            async with live.socket() as client:
                await client.send("auth", token="garbage")
                assert await client.closed() == 4401
        with pytest.raises(InvalidStatus) as refused:
            async with live.socket():
                pass
        assert refused.value.response.status_code == 429


async def test_odd_addresses_and_origins_are_refused_without_a_fuss(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with live.socket("?" + "%F0%9F%98%80" * 50) as client:
        assert await client.closed() == 1008
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(additional_headers={"Origin": "http://["}):
            pass
    assert refused.value.response.status_code == 403
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_message_in_endless_parts_is_cut_off(live: LiveServer) -> None:
    async with live.socket() as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.socket.send("x" * 1000 for _ in range(10_000))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_there_are_so_many_from_one_address(settings: Settings) -> None:
    few = settings.model_copy(update={"live_connections_per_address": 3, "live_connections": 5})
    async with serving_live("memory", few) as live:
        _, tokens = await live.api.member()
        async with live.client(tokens), live.socket(), live.socket():
            with pytest.raises(InvalidStatus) as refused:
                async with live.socket():
                    pass
            assert refused.value.response.status_code == 429
            assert refused.value.response.headers["Retry-After"] == "5"
            assert json.loads(refused.value.response.body or b"")["code"] == "too-many-connections"
            answer = await live.api.call("GET", "/live/events", as_=tokens)
            assert (answer.status_code, answer.json()["code"]) == (429, "too-many-connections")
            live.api.app.state.live_places.most_per_address = 10
            async with live.socket(), live.socket():
                with pytest.raises(InvalidStatus) as refused:
                    async with live.socket():
                        pass
                assert refused.value.response.status_code == 503
        async with live.socket():
            pass
    assert live.api.app.state.live_places.taken == 0


async def test_messages_are_limited_and_who_does_not_stop_is_put_out(settings: Settings) -> None:
    limited = settings.model_copy(update={"rate_limit_live": "5/minute"})
    async with serving_live("memory", limited) as live:
        _, tokens = await live.api.member()
        async with live.client(tokens) as client:
            for _ in range(5):
                await client.send("ping")
                await client.next("pong")
            await client.send("ping")
            refused = await client.next("error")
            assert (refused["code"], refused["about"]) == ("too-many-messages", "ping")
            assert 0 < refused["retry_after"] <= 60
            for _ in range(101):
                await client.send("ping")
            assert await client.closed() == 1008


async def test_a_ticket_never_gets_into_the_log(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with serving_live("memory", settings) as live:
        _, tokens = await live.api.member()
        ticket = await live.ticket(tokens)
        async with live.socket(f"?ticket={ticket}") as client:
            await client.next("ready")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("websockets", "httpcore"))]
    assert ours
    assert not any(ticket in message for message in ours)
