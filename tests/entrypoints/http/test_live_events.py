"""Server-Sent Events on each store: what comes, going on behind the last id, tickets, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.entrypoints.http.client import Tokens
from tests.entrypoints.http.live import WITHIN, LiveServer, write_to
from tests.waiting import until


@dataclass
class Event:
    type: str
    data: dict[str, Any]
    id: str


@dataclass
class Stream:
    """As a browser reads it (WHATWG HTML, section 9.2.6)."""

    lines: AsyncIterator[str]
    last_id: str = ""

    async def next(self, type: str | None = None) -> Event:
        async with asyncio.timeout(WITHIN):
            while True:
                event = await self._event()
                if type in (None, event.type):
                    return event

    async def ended(self) -> None:
        async with asyncio.timeout(WITHIN):
            async for _ in self.lines:
                pass

    async def _event(self) -> Event:
        fields: dict[str, str] = {}
        async for line in self.lines:
            if not line and "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                return Event(fields.get("event", "message"), json.loads(fields["data"]), self.last_id)
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
        raise EOFError


@asynccontextmanager
async def listening(
    live: LiveServer, tokens: Tokens | None = None, *, last_id: str | None = None, **query: str
) -> AsyncIterator[Stream]:
    headers = {**(tokens.headers if tokens else {}), **({"Last-Event-ID": last_id} if last_id else {})}
    url = f"http://127.0.0.1:{live.port}/api/v1/live/events"
    async with (
        httpx.AsyncClient(trust_env=False, timeout=WITHIN) as http,
        http.stream("GET", url, headers=headers, params=query) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer.aiter_lines())


async def test_who_listens_hears_notifications_and_rooms(live: LiveServer) -> None:
    _, root = await live.api.admin()
    user, tokens = await live.api.member()
    await live.room(root)
    async with listening(live, tokens, rooms="lobby") as stream, live.client(root) as speaker:
        assert (await stream.next()).type == "ready"
        assert (await stream.next("joined")).data["here"] == []
        assert (await speaker.join("lobby"))["count"] == 1, "nobody sees who only listens"
        await speaker.say("lobby", "one\ntwo")
        assert (await stream.next("message")).data["text"] == "one\ntwo"
        await write_to(live, user, "Hello")
        told = await stream.next("notification")
        assert (told.data["title"], told.data["unread"]) == ("Hello", 1)


async def test_a_browser_goes_on_behind_the_last_event(live: LiveServer) -> None:
    """The id of one event holds where it is in everything."""
    _, root = await live.api.admin()
    user, tokens = await live.api.member()
    await live.room(root)
    async with live.client(root) as speaker:
        await speaker.join("lobby")
        async with listening(live, tokens, rooms="lobby") as stream:
            await stream.next("joined")
            await write_to(live, user, "Seen")
            await stream.next("notification")
            await speaker.say("lobby", "seen")
            await stream.next("message")
        await speaker.say("lobby", "missed")
        await write_to(live, user, "Missed")
        async with listening(live, tokens, rooms="lobby", last_id=stream.last_id) as again:
            assert (await again.next("notification")).data["title"] == "Missed"
            assert (await again.next("message")).data["text"] == "missed"
            await speaker.say("lobby", "live")
            assert (await again.next("message")).data["text"] == "live"
        async with listening(live, tokens, rooms="lobby", since=again.last_id) as third:
            await speaker.say("lobby", "later")
            assert (await third.next("message")).data["text"] == "later"


async def test_a_ticket_stays_good_for_its_stream_and_for_nothing_else(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    ticket = await live.ticket(tokens)
    async with listening(live, ticket=ticket) as stream:
        await stream.next("ready")
    live.api.clock.advance(hours=1)
    async with listening(live, ticket=ticket) as stream:
        await stream.next("ready")
    async with live.socket(f"?ticket={ticket}") as client:
        assert await client.closed() == 4401
    late = await live.ticket(await live.api.log_in("ada"))
    live.api.clock.advance(seconds=31)
    answer = await live.api.call("GET", "/live/events", params={"ticket": late})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-ticket")


async def test_it_ends_with_the_session_and_cannot_be_opened_again(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    ticket = await live.ticket(tokens)
    async with listening(live, ticket=ticket) as stream:
        await stream.next("ready")
        await live.api.call("POST", "/auth/logout", as_=tokens)
        await stream.ended()
    answer = await live.api.call("GET", "/live/events", params={"ticket": ticket})
    assert answer.status_code == 401


async def test_a_room_that_one_may_not_enter_is_not_there(live: LiveServer) -> None:
    _, root = await live.api.admin()
    _, tokens = await live.api.member()
    await live.room(root, "office", permission="users:read")
    for rooms in ("office", "lobby,nowhere"):
        answer = await live.api.call("GET", "/live/events", as_=tokens, params={"rooms": rooms})
        assert (answer.status_code, answer.json()["code"]) == (404, "room-not-found")


async def test_strangers_and_wrong_questions_are_refused(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    assert (await live.api.call("GET", "/live/events")).status_code == 401
    for query in ({"since": "garbage"}, {"token": tokens.access_token}):
        assert (await live.api.call("GET", "/live/events", as_=tokens, params=query)).status_code == 422
    assert (await live.api.call("HEAD", "/live/events", as_=tokens)).status_code == 405


async def test_streams_do_not_take_the_place_of_requests(live: LiveServer) -> None:
    _, tokens = await live.api.member()
    async with listening(live, tokens) as stream:
        await stream.next("ready")
        assert live.api.app.state.metrics.in_flight == 0
        assert live.api.app.state.live_places.taken == 1
    await until(lambda: live.api.application.live.switchboard.connections == 0)


async def test_a_server_that_stops_ends_streams_and_sockets(live: LiveServer) -> None:
    """1012 and the end of a stream say: come again, elsewhere."""
    _, tokens = await live.api.member()
    async with listening(live, tokens) as stream, live.client(tokens) as client:
        await stream.next("ready")
        live.server.should_exit = True
        assert await client.closed() == 1012
        await stream.ended()
