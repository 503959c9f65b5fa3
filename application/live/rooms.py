"""Rooms: listed, made, closed, and talked in."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.access.permissions import PermissionCatalogue
from application.audit.trail import Trail
from application.idempotency import Idempotency, Once
from application.identity.known_callers import KnownCallers
from application.identity.views import Versioned
from application.live.plain import as_plain
from application.live.ports import LiveQueries
from application.live.told import Told, Topic
from application.live.views import Numbered, RoomMessageView, RoomView, shown_room
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock, Ids
from application.posts.views import AuthorView
from application.unit_of_work import Transactions
from application.versions import Expected, require_version
from domain.access.actor import Actor
from domain.access.permissions import ALL, Permission, covers
from domain.access.policy import OWNER_IN_PERSON, SIGNED_IN, Rule, holder, require, require_own, require_reach
from domain.errors import Invalid, NotFound, Unauthenticated
from domain.live.room import KEPT, Room, RoomMessage, checked_text

CREATE = Permission("rooms:create", "Open rooms for members to talk in.")
DELETE = Permission("rooms:delete", "Close rooms, with all that was said in them.")

NEWEST_FIRST = Sort("created_at", descending=True)


def may_enter(permissions: frozenset[str], permission: str | None) -> bool:
    """Whether who holds these may enter a room that asks for that one (None: it is open to every member)."""
    return permission is None or covers(permissions, permission)


@dataclass(frozen=True)
class ListRooms:
    """Those that the caller may enter, newest first."""

    rule: ClassVar[Rule] = SIGNED_IN

    queries: LiveQueries
    catalogue: PermissionCatalogue

    async def __call__(self, actor: Actor, *, page: PageRequest = PageRequest()) -> Page[RoomView]:
        require(actor, self.rule)
        held = None if ALL in actor.permissions else self.catalogue.covered_by(actor.permissions)
        return await read_page(
            page, NEWEST_FIRST, partial(self.queries.rooms, held), partial(self.queries.count_rooms, held)
        )


@dataclass(frozen=True)
class ShowRoom:
    """One that the caller may enter. Whether there is one that they may not enter is not told."""

    rule: ClassVar[Rule] = SIGNED_IN

    queries: LiveQueries

    async def __call__(self, actor: Actor, *, name: str) -> Versioned[RoomView]:
        """Raises NotFound (`room-not-found`)."""
        require(actor, self.rule)
        return Versioned(_entered(actor.permissions, await self.queries.room(name)), 1)


@dataclass(frozen=True)
class CreateRoom:
    """Nobody makes a room that they could not enter themselves."""

    rule: ClassVar[Rule] = holder(CREATE)

    transactions: Transactions
    catalogue: PermissionCatalogue
    trail: Trail
    idempotency: Idempotency
    clock: Clock
    ids: Ids

    async def __call__(
        self,
        actor: Actor,
        *,
        name: str,
        title: str,
        permission: str | None = None,
        once: Once[Versioned[RoomView]] | None = None,
    ) -> Versioned[RoomView]:
        """Raises Invalid for the fields (`bad-room-name`, `unknown-permission`), Denied (`beyond-your-rights`),
        Conflict (`room-taken`)."""
        require(actor, self.rule)
        await self.idempotency.check(actor, once)
        if permission is not None:
            if permission not in self.catalogue.patterns:
                raise Invalid.field("unknown-permission", "/permission", "There is no such permission.")
            require_reach(actor, [permission])
        room = Room(id=self.ids.new(), name=name, title=title, permission=permission, created_at=self.clock.now())
        async with self.transactions.begin() as uow:
            await self.idempotency.keep(uow, actor, once, shown_room(room))
            await uow.rooms.add(room)
            await self.trail.record(uow, actor, "room.created", subject=room.name, item=room.id)
        return shown_room(room)


@dataclass(frozen=True)
class CloseRoom:
    """Whoever is in it is put out, and all that was said in it is gone. Whether there is a room that the caller may not
    enter is not told."""

    rule: ClassVar[Rule] = holder(DELETE)

    transactions: Transactions
    trail: Trail

    async def __call__(self, actor: Actor, *, name: str, expected: Expected = None) -> None:
        """Raises NotFound (`room-not-found`), Stale."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            room = await uow.rooms.get(name)
            if room is None or not may_enter(actor.permissions, room.permission):
                raise no_such_room()
            require_version(shown_room(room).version, expected)
            await uow.rooms.remove(room.id)
            uow.told.append(Told(Topic.ROOM, room.id, {"closed": True}))
            await self.trail.record(uow, actor, "room.deleted", subject=room.name, item=room.id)


@dataclass(frozen=True)
class ListMessages:
    """The latest messages of a room that the caller may enter, in their order."""

    rule: ClassVar[Rule] = SIGNED_IN

    queries: LiveQueries

    async def __call__(self, actor: Actor, *, room: str, limit: int = KEPT) -> list[Numbered[RoomMessageView]]:
        """Raises NotFound (`room-not-found`)."""
        require(actor, self.rule)
        found = _entered(actor.permissions, await self.queries.room(room))
        return await self.queries.last_said(found.id, limit)


@dataclass(frozen=True)
class Say:
    """Members speak for themselves: no API key, and nobody in their place. The audit trail has no entry of it: the
    message itself tells who said it and when, and it goes with its author, which an entry never does."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON

    transactions: Transactions
    queries: LiveQueries
    known: KnownCallers
    clock: Clock
    ids: Ids

    async def __call__(self, actor: Actor, *, room: str, text: str) -> Numbered[RoomMessageView]:
        """Raises Invalid for the text, NotFound (`room-not-found`), Unauthenticated (`bad-token`): they were signed out
        meanwhile."""
        author_id = require_own(actor, self.rule)
        checked_text(text)
        author, permissions = await self._author(actor, author_id)
        entered = _entered(permissions, await self.queries.room(room))
        async with self.transactions.begin() as uow:
            number = await uow.rooms.next_number(entered.id)
            if number is None:
                raise no_such_room()
            said = RoomMessage(
                id=self.ids.new(),
                room_id=entered.id,
                number=number,
                author_id=author_id,
                text=text,
                at=self.clock.now(),
            )
            await uow.rooms.say(said)
            view = RoomMessageView(id=said.id, room=entered.name, author=author, text=text, at=said.at)
            uow.told.append(Told(Topic.ROOM, entered.id, {"number": number, "message": as_plain(view)}))
        return Numbered(number, view)

    async def _author(self, actor: Actor, author_id: UUID) -> tuple[AuthorView, frozenset[str]]:
        """How they are shown, and what they may do at this moment: whoever is connected may be so for long."""
        session_id = actor.session_id
        found = await self.known.live_session(session_id, author_id, self.clock.now()) if session_id else None
        if found is None:
            raise Unauthenticated("bad-token", "You were signed out meanwhile.", presented=True)
        return AuthorView.of(found.user.value), found.permissions


def no_such_room() -> NotFound:
    return NotFound("room-not-found", "There is no such room.")


def _entered(permissions: frozenset[str], room: RoomView | None) -> RoomView:
    if room is None or not may_enter(permissions, room.permission):
        raise no_such_room()
    return room
