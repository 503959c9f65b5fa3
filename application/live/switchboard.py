"""Whoever is connected to this process: heard from the hub, told by streams, and shown out when they may not stay."""

import asyncio
import logging
import math
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from application.identity.caller import IdentifyCaller
from application.identity.known_callers import KnownCallers
from application.jobs.ports import JobQueries
from application.jobs.views import JobFilters, JobView
from application.live.connection import Connection
from application.live.inbox import Inbox
from application.live.occupied_rooms import OccupiedRoom
from application.live.outgoing import Ending, Outgoing
from application.live.plain import as_plain
from application.live.ports import Hub, LiveQueries
from application.live.presence import Presence
from application.live.rooms import Say
from application.live.told import Told, Topic
from application.live.views import RoomView
from application.ports import Clock, Ids
from domain.access.permissions import covers_all
from domain.errors import MoothallError, Unauthenticated
from domain.jobs.job import UNFINISHED
from domain.live.cursor import Cursor, stream_of

log = logging.getLogger("moothall.live")

TICK = 0.2
LONGEST_TICK = 0.7
"""Seconds between two looks whether everybody may stay; with what news takes to come it is less than one."""
REST = 6.0
"""How many times as long as a look took nobody looks: with thousands of connections and a store in which anything may
have changed (SQLite) it takes long."""
LOOK_EVERY = 10.0
"""Seconds between two looks into the store for what the hub may have lost."""
LOOK_EVERY_ALONE = 1.0
"""The same where other processes are not heard, and after a look that failed."""
RECOUNTED_AT_ONCE = 8
"""Members who are told at once what a look found: after a broadcast that is everybody."""
NEVER = -math.inf
PULSE_EVERY = 5.0
"""Seconds after which others are told who is here."""
JOBS_SHOWN = 20
"""The latest jobs of a member, of which those are told to who connects that are not over, or have ended since."""
OPEN = frozenset(status.value for status in UNFINISHED)


@dataclass(slots=True)
class _Member:
    """Somebody who is connected here; `jobs` are those that were told and are not over."""

    inbox: Inbox
    connections: set[Connection] = field(default_factory=set)
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)


class Switchboard:
    """Of one process. Whatever is heard is only about what was committed; what is not heard is found in the store."""

    def __init__(
        self,
        hub: Hub,
        queries: LiveQueries,
        jobs: JobQueries,
        known: KnownCallers,
        identify: IdentifyCaller,
        say: Say,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.say = say
        self.queries = queries
        self._hub = hub
        self._jobs = jobs
        self._known = known
        self._identify = identify
        self._clock = clock
        self._name = ids.new().hex
        self._connections: set[Connection] = set()
        self._members: dict[UUID, _Member] = {}
        self._rooms: dict[UUID, OccupiedRoom] = {}
        self._readings: dict[object, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._show_out_at = self._pulse_at = 0.0
        self._looked_at = NEVER
        self._is_looking = self._has_looked = False
        self._is_listening = self._is_closing = False

    @property
    def connections(self) -> int:
        """How many there are here."""
        return len(self._connections)

    def hears_others(self) -> bool:
        """Whether this process hears at once of what others do."""
        return self._hub.is_whole()

    async def enter(self, connection: Connection, *, since: Mapping[str, Cursor], greeting: dict[str, object]) -> None:
        """Greet, tell what was missed, and go on telling, until the connection is closed. `since`: cursors by their
        streams."""
        self._listen()
        self._connections.add(connection)
        user_id = connection.actor.user_id
        if user_id is None:
            connection.tell(Outgoing("ready", **greeting))
            return
        member = self._members.get(user_id)
        if member is None:
            member = self._members[user_id] = _Member(Inbox(user_id, self.queries, self._clock, self._spawn))
        member.connections.add(connection)
        own = since.get(stream_of(user_id))
        await member.inbox.follow(connection.tell, greeting, own, connection.drained)
        await self._tell_jobs(member, connection, user_id, own)
        if connection.is_over:
            self.leave(connection)  # it follows since it was closed
        elif self._is_closing:
            connection.end(Ending.RESTARTING)

    def leave(self, connection: Connection) -> None:
        """The second time does nothing."""
        self._connections.discard(connection)
        member = self._members.get(connection.actor.user_id) if connection.actor.user_id is not None else None
        if member is not None:
            member.connections.discard(connection)
            member.inbox.followers.discard(connection.tell)
            if not member.connections and connection.actor.user_id is not None:
                del self._members[connection.actor.user_id]

    def occupied(self, room: RoomView) -> OccupiedRoom:
        """The room as it is here; made when the first comes in."""
        found = self._rooms.get(room.id)
        if found is None:
            publish = partial(self._publish_presence, room.id)
            found = OccupiedRoom(room, self.queries, self._clock, self._spawn, Presence(self._name), publish)
            self._rooms[room.id] = found
        return found

    def vacate(self, room: OccupiedRoom) -> None:
        """Forget it, once the last one has left."""
        if not room.seats and self._rooms.get(room.room.id) is room:
            del self._rooms[room.room.id]

    async def run(self) -> None:
        """See to it that everybody is told what they should be, and that nobody stays who may not; until cancelled."""
        self._listen()
        try:
            while True:
                await asyncio.sleep(TICK)
                try:
                    await self.tick()
                except MoothallError as error:
                    log.warning("Live connections wait: %s", error)
                except Exception:
                    log.exception("Live connections wait")
        finally:
            for task in self._tasks:
                task.cancel()

    async def tick(self) -> None:
        """What is due. While the store is away others go on hearing that this process lives."""
        clock = asyncio.get_running_loop().time
        now = clock()
        for part in (self._pulse, self._forget_silent, self._begin_to_look):
            try:
                part(now)
            except Exception:
                log.exception("Live connections wait")
        if now >= self._show_out_at:
            await self._show_out()
            self._show_out_at = clock() + min(REST * (clock() - now), LONGEST_TICK - TICK)

    async def look(self) -> None:
        """Tell what is in the store and was not heard."""
        await self._look_at_rooms()
        if not self._members:
            return
        states = await self.queries.inboxes(list(self._members))
        changed = [
            member.inbox
            for user_id, state in states.items()
            if (member := self._members.get(user_id))
            and (state.number, state.unread) != (member.inbox.number, member.inbox.unread)
        ]
        for begin in range(0, len(changed), RECOUNTED_AT_ONCE):
            await asyncio.gather(*(inbox.recount() for inbox in changed[begin : begin + RECOUNTED_AT_ONCE]))
        open_jobs = [UUID(job_id) for member in self._members.values() for job_id in member.jobs]
        with self._reading_jobs() as heard:
            for job in await self.queries.jobs(open_jobs):
                if job.user_id in self._members and str(job.id) not in heard:
                    self._hear_job(job.user_id, as_plain(job))

    def close(self) -> None:
        """This process ends: everybody shall come again, elsewhere."""
        self._is_closing = True
        for connection in tuple(self._connections):
            connection.end(Ending.RESTARTING)

    def _pulse(self, now: float) -> None:
        if now >= self._pulse_at:
            self._pulse_at = now + PULSE_EVERY
            for room_id, room in self._rooms.items():
                if not room.presence.is_empty_here:
                    self._publish_presence(room_id, room.presence.pulse())

    def _forget_silent(self, now: float) -> None:
        for room in tuple(self._rooms.values()):
            room.announce(room.presence.forget_silent(now))

    def _begin_to_look(self, now: float) -> None:
        """In a task of its own: it may take long, and who may not stay is shown out meanwhile."""
        every = LOOK_EVERY if self._has_looked and self.hears_others() else LOOK_EVERY_ALONE
        if now >= self._looked_at + every and not self._is_looking:
            self._looked_at, self._is_looking, self._has_looked = now, True, False
            self._spawn(self._look())

    async def _look(self) -> None:
        try:
            await self.look()
            self._has_looked = True
        finally:
            self._is_looking = False

    def _listen(self) -> None:
        """From the first one on who wants to know."""
        if not self._is_listening:
            self._is_listening = True
            self._hub.listen(self._heard, on_gap=self._missed)

    def _missed(self) -> None:
        self._looked_at = NEVER
        for room_id, room in self._rooms.items():
            self._publish_presence(room_id, room.presence.question())

    def _heard(self, told: Told) -> None:
        match told.topic:
            case Topic.ROOM:
                self._hear_room(told.about, told.data)
            case Topic.PRESENCE:
                self._hear_presence(told.about, told.data)
            case Topic.INBOX:
                member = self._members.get(told.about)
                if member is not None and "number" in told.data:
                    member.inbox.hear(told.data["number"], told.data["notification"])
                elif member is not None:
                    self._spawn(member.inbox.recount())
            case Topic.INBOXES:
                self._looked_at = NEVER
            case Topic.JOB:
                self._hear_job(told.about, told.data["job"])

    def _hear_room(self, room_id: UUID, data: Mapping[str, Any]) -> None:
        room = self._rooms.get(room_id)
        if room is not None and "closed" in data:
            self._close_room(room)
        elif room is not None:
            room.hear(data["number"], data["message"])

    def _hear_presence(self, room_id: UUID, data: Mapping[str, Any]) -> None:
        room = self._rooms.get(room_id)
        if room is not None and data["from"] != self._name:
            moves, reply = room.presence.hear(data, asyncio.get_running_loop().time())
            room.announce(moves)
            self._publish_presence(room_id, reply)

    def _hear_job(self, user_id: UUID, job: Mapping[str, Any]) -> None:
        member = self._members.get(user_id)
        if member is None or member.jobs.get(job["id"]) == job:
            return
        for heard in self._readings.values():
            heard.add(job["id"])
        if job["status"] in OPEN:
            member.jobs[job["id"]] = job
        else:
            member.jobs.pop(job["id"], None)
        told = Outgoing("job", **job)
        for connection in tuple(member.connections):
            connection.tell(told)

    async def _tell_jobs(self, member: _Member, connection: Connection, user_id: UUID, since: Cursor | None) -> None:
        """What the others of this member have not been told is news to them, too."""
        with self._reading_jobs() as heard:
            rows = await self._jobs.jobs(JobFilters(user_id=user_id), after=None, offset=0, limit=JOBS_SHOWN)
            for row in reversed(rows):
                job = as_plain(row.value)
                known = member.jobs.get(job["id"])
                if job["id"] in heard:
                    continue
                if known != job and (known is not None or job["status"] in OPEN):
                    self._hear_job(user_id, job)
                elif _is_news(row.value, since):
                    connection.tell(Outgoing("job", **job))

    @contextmanager
    def _reading_jobs(self) -> Iterator[set[str]]:
        """Of which jobs something newer was told since they were asked for."""
        reading = object()
        self._readings[reading] = set()
        try:
            yield self._readings[reading]
        finally:
            del self._readings[reading]

    async def _look_at_rooms(self) -> None:
        if not self._rooms:
            return
        numbers = await self.queries.room_numbers(list(self._rooms))
        for room_id, room in tuple(self._rooms.items()):
            if room_id not in numbers:
                self._close_room(room)
            elif numbers[room_id] > room.number and room.followers:
                room.fall_behind(numbers[room_id])

    def _close_room(self, room: OccupiedRoom) -> None:
        self._rooms.pop(room.room.id, None)
        room.close()
        for connection in self._connections:
            connection.lose(room)

    async def _show_out(self) -> None:
        """Whoever signed out, or may less than when they came."""
        now = self._clock.now()
        by_session = {c: c.actor.session_id for c in self._connections if c.actor.session_id is not None}
        wanted = {session: c.actor.user_id for c, session in by_session.items() if c.actor.user_id is not None}
        found = await self._known.live_sessions(wanted, now) if wanted else {}
        for connection, session in by_session.items():
            self._let_stay(connection, found[session].permissions if session in found else None)
        for connection in [c for c in self._connections if c.api_key is not None]:
            self._let_stay(connection, await self._permissions_of_key(connection))

    async def _permissions_of_key(self, connection: Connection) -> frozenset[str] | None:
        try:
            caller = await self._identify(connection.api_key or "", as_key=True, origin=connection.actor.origin)
        except Unauthenticated:
            return None
        return caller.actor.permissions

    def _let_stay(self, connection: Connection, permissions: frozenset[str] | None) -> None:
        """None: they are not signed in any more."""
        if permissions is None:
            connection.end(Ending.SIGNED_OUT)
        elif permissions != connection.actor.permissions:
            if covers_all(permissions, connection.actor.permissions):
                connection.promote(permissions)
            else:
                connection.end(Ending.DEMOTED)

    def _publish_presence(self, room_id: UUID, data: dict[str, Any] | None) -> None:
        if data is not None:
            self._hub.publish(Told(Topic.PRESENCE, room_id, data))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, MoothallError):
            log.warning("Live connections wait for what was missed: %s", error)
        elif error is not None:
            log.error("Live connections may wait for what was missed", exc_info=error)


def _is_news(job: JobView, since: Cursor | None) -> bool:
    return job.status in UNFINISHED or (
        since is not None and job.finished_at is not None and job.finished_at >= since.at
    )
