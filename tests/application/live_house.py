"""A switchboard on a store in memory, and clients of it: something can happen while an answer is on its way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

from adapters.hubs import LocalHub
from adapters.memory import (
    MemoryAccessQueries,
    MemoryDatabase,
    MemoryIdentityQueries,
    MemoryJobQueries,
    MemoryLiveQueries,
    MemoryTransactions,
)
from adapters.system import Uuid7Ids
from application.identity.caller import IdentifyCaller
from application.identity.known_callers import KnownCallers
from application.jobs.telling import tell_job
from application.jobs.views import JobFilters, JobView
from application.live.connection import Connection
from application.live.outgoing import Ending, Outgoing
from application.live.plain import as_plain
from application.live.rooms import Say
from application.live.switchboard import Switchboard
from application.live.telling import TellingTransactions
from application.live.told import Told, Topic
from application.live.views import InboxState, Numbered, RoomMessageView, RoomView
from application.notifications.views import NotificationView
from application.paging import Position, Row
from domain.access.actor import Actor, member
from domain.jobs.job import Job, Status
from domain.live.cursor import Cursor, read_cursors
from tests.clock import OwnClock
from tests.contracts.builders import a_job, a_notification, a_room, a_session, a_user

Meanwhile = Callable[[], Awaitable[None]]


class Queries(MemoryLiveQueries):
    """`meanwhile` is what happens, once, while an answer of the query of that name is on its way."""

    def __init__(self, database: MemoryDatabase) -> None:
        super().__init__(database)
        self.meanwhile: dict[str, Meanwhile] = {}

    async def room(self, name: str) -> RoomView | None:
        found = await super().room(name)
        await self._wait("room")
        return found

    async def last_said(self, room_id: UUID, limit: int) -> list[Numbered[RoomMessageView]]:
        await self._wait("before last_said")
        found = await super().last_said(room_id, limit)
        await self._wait("last_said")
        return found

    async def said_after(self, room_id: UUID, number: int, limit: int) -> list[Numbered[RoomMessageView]]:
        found = await super().said_after(room_id, number, limit)
        await self._wait("said_after")
        return found

    async def inboxes(self, user_ids: Collection[UUID]) -> Mapping[UUID, InboxState]:
        found = await super().inboxes(user_ids)
        await self._wait("inboxes")
        return found

    async def notifications_after(self, user_id: UUID, number: int, limit: int) -> list[Numbered[NotificationView]]:
        found = await super().notifications_after(user_id, number, limit)
        await self._wait("notifications_after")
        return found

    async def jobs(self, job_ids: Collection[UUID]) -> list[JobView]:
        found = await super().jobs(job_ids)
        await self._wait("jobs")
        return found

    async def _wait(self, name: str) -> None:
        happens = self.meanwhile.pop(name, None)
        if happens is not None:
            await happens()


class Client:
    """What one client was told. `reads` False: it takes nothing, and is put out with the next message. `drains` is how
    it takes what waits."""

    def __init__(self, switchboard: Switchboard, actor: Actor, name: str) -> None:
        self.told: list[dict[str, Any]] = []
        self.ending: Ending | None = None
        self.reads = True
        self.fails = False
        self.drains: Meanwhile = partial(asyncio.sleep, 0)
        person = {"id": name, "username": name, "full_name": None}
        self.connection = Connection(
            switchboard, actor, tell=self._take, end=self._end, drained=self._drained, person=person
        )

    def all_of(self, kind: str, field: str) -> list[Any]:
        return [message[field] for message in self.told if message["type"] == kind]

    def _take(self, outgoing: Outgoing) -> None:
        if self.fails:
            raise OSError("The network is unplugged.")
        if not self.reads:
            self.connection.end(Ending.TOO_SLOW)
        elif self.ending is None:
            self.told.append(outgoing.message)

    def _end(self, ending: Ending) -> None:
        self.ending = ending

    async def _drained(self) -> None:
        await self.drains()


class Jobs(MemoryJobQueries):
    """The same for the jobs of one member."""

    meanwhile: Meanwhile | None = None

    async def jobs(self, filters: JobFilters, *, after: Position | None, offset: int, limit: int) -> list[Row[JobView]]:
        found = await super().jobs(filters, after=after, offset=offset, limit=limit)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            await happens()
        return found


class Ether(LocalHub):
    """A hub that hears other processes, or does not."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = False

    def is_whole(self) -> bool:
        return self.whole


class House:
    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.clock, self.hub, ids = OwnClock(), Ether(), Uuid7Ids()
        self.transactions = TellingTransactions(MemoryTransactions(self.database), self.hub)
        self.queries = Queries(self.database)
        self.jobs = Jobs(self.database)
        self.known = KnownCallers(
            MemoryIdentityQueries(self.database),
            MemoryAccessQueries(self.database),
            MemoryTransactions(self.database).changes,
        )
        self.switchboard = Switchboard(
            self.hub,
            self.queries,
            self.jobs,
            self.known,
            cast(IdentifyCaller, None),
            Say(self.transactions, self.queries, self.known, self.clock, ids),
            self.clock,
            ids,
        )

    async def member(self) -> Actor:
        user = a_user(uuid4().hex)
        session = a_session(user, expires_at=self.clock.now().replace(year=9000))
        async with self.transactions.begin() as uow:
            await uow.users.add(user)
            await uow.sessions.add(session)
        return member(user.id, frozenset(), session_id=session.id, signed_in_at=user.created_at)

    async def rooms(self, *names: str) -> None:
        async with self.transactions.begin() as uow:
            for name in names:
                await uow.rooms.add(a_room(name))

    async def enter(self, actor: Actor, name: str, *rooms: str) -> Client:
        client = Client(self.switchboard, actor, name)
        await client.connection.open({})
        for room in rooms:
            await client.connection.join(room, {})
        return client

    async def close(self, room: str = "lobby") -> None:
        async with self.transactions.begin() as uow:
            found = await uow.rooms.get(room)
            assert found is not None
            await uow.rooms.remove(found.id)
            uow.told.append(Told(Topic.ROOM, found.id, {"closed": True}))

    async def notify(self, actor: Actor, *, heard: bool = True) -> None:
        assert actor.user_id is not None
        made = a_notification(a_user(id=actor.user_id))
        async with self.transactions.begin() as uow:
            number = await uow.notifications.add(made)
            if heard:
                told = {"number": number, "notification": as_plain(NotificationView.of(made))}
                uow.told.append(Told(Topic.INBOX, actor.user_id, told))

    async def read_all(self, actor: Actor) -> None:
        assert actor.user_id is not None
        async with self.transactions.begin() as uow:
            await uow.notifications.mark_all_read(actor.user_id, self.clock.now())
            uow.told.append(Told(Topic.INBOX, actor.user_id, {}))

    async def begin(self, actor: Actor) -> Job:
        job = a_job(owner_id=actor.user_id)
        async with self.transactions.begin() as uow:
            await uow.jobs.add(job)
            tell_job(uow, job)
        return job

    async def finish(self, job: Job) -> None:
        await self.save(replace(job, status=Status.SUCCEEDED, finished_at=self.clock.now()))

    async def save(self, job: Job, *, heard: bool = True) -> None:
        async with self.transactions.begin() as uow:
            await uow.jobs.get(job.id)
            await uow.jobs.save(job)
            if heard:
                tell_job(uow, job)

    async def sign_out(self, actor: Actor) -> None:
        assert actor.user_id is not None
        assert actor.session_id is not None
        async with self.transactions.begin() as uow:
            await uow.users.get(actor.user_id)
            await uow.sessions.remove(actor.session_id)

    async def say(self, actor: Actor, text: str, room: str = "lobby") -> None:
        await self.switchboard.say(actor, room=room, text=text)


def then(*happenings: Meanwhile) -> Meanwhile:
    """One after the other."""

    async def happen() -> None:
        for happens in (*happenings, turns):
            await happens()

    return happen


def cursors(client: Client, kind: str = "joined") -> Mapping[str, Cursor]:
    """Where it was when it was last told this."""
    return read_cursors(client.all_of(kind, "cursor")[-1])


async def turns() -> None:
    """What is to be done at once is done."""
    for _ in range(50):
        await asyncio.sleep(0)
