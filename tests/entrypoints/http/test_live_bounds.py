"""What bounds live connections (S37): whoever does not read is put out, and nobody else notices; floods and bombs."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from entrypoints.http.live_protocol import LARGEST_BACKLOG
from entrypoints.settings import Settings
from tests.entrypoints.http.live import LiveClient, LiveServer, serving_live

pytestmark = pytest.mark.parametrize("store_name", ["memory"])
LONG = "x" * 3900


async def test_a_reader_that_stops_is_put_out_and_others_hear_everything(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, tokens = await live.api.member()
    await live.room(root)
    async with live.client(root) as speaker, live.client(tokens) as reader:
        await speaker.join("lobby")
        await reader.join("lobby")
        async with live.socket(max_queue=1) as stalled:
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


async def test_what_waits_for_one_who_stalls_is_bounded(live: LiveServer) -> None:
    """Whatever the system buffers by itself comes on top, and is its own matter."""
    _, root = await live.api.admin()
    await live.room(root)
    async with live.client(root) as speaker, live.socket(max_queue=1) as stalled:
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


async def test_pings_whose_answers_nobody_reads_are_bounded(live: LiveServer) -> None:
    async with live.socket() as client:
        client.socket.transport.pause_reading()
        transport, protocol = client.socket.transport, client.socket.protocol
        for _ in range(1_000_000):
            if transport.is_closing():
                break
            protocol.send_ping(b"x" * 125)
            transport.write(b"".join(protocol.data_to_send()))
            if transport.get_write_buffer_size() > 100_000:
                await asyncio.sleep(0.001)
        assert transport.is_closing()


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
