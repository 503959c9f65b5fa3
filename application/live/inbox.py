"""One member's notifications, told to all of their connections with how many are unread."""

from collections.abc import Sequence
from uuid import UUID

from application.live.outgoing import Outgoing, Tell
from application.live.plain import as_plain
from application.live.ports import LiveQueries
from application.live.streams import Drained, Item, Spawn, Stream, is_too_old
from application.live.views import InboxState
from application.ports import Clock
from domain.live.cursor import GOOD_FOR, Cursor

EVERYTHING = 2**62
"""What is kept goes by its age here, not by how many there are."""


class Inbox(Stream):
    def __init__(self, user_id: UUID, queries: LiveQueries, clock: Clock, spawn: Spawn) -> None:
        super().__init__(spawn)
        self.unread = 0
        self._user_id = user_id
        self._queries = queries
        self._clock = clock

    async def latest(self) -> int:
        return (await self._state()).number

    async def read(self, after: int, limit: int) -> Sequence[Item]:
        rows = await self._queries.notifications_after(self._user_id, after, limit)
        return [Item(row.number, as_plain(row.value)) for row in rows]

    def outgoing(self, item: Item) -> Outgoing:
        return Outgoing("notification", self.cursor(item.number), **item.data, unread=self.unread)

    def cursor(self, number: int) -> str:
        return str(Cursor.of(self._user_id, number, self._clock.now()))

    async def follow(self, tell: Tell, greeting: dict[str, object], since: Cursor | None, drained: Drained) -> None:
        """Greet with the count, and where they are; tell what they missed, and all that comes."""
        async with self.lock:
            await self.look(await self._state())
            reaches = since is not None and self._reaches(since)
            told = since.number if since is not None and reaches else self.number
            last = Outgoing("ready", self.cursor(told), **greeting, unread=self.unread)
            tell(last)
            if not reaches:
                self.add(tell)
        if since is not None and not reaches:
            tell(gap("What was missed is too old to be told again; ask for the list."))
        elif since is not None:
            number = self.number
            last = await self.replay(tell, since.number, drained) or last
            if self.unread != last.message["unread"]:
                tell(Outgoing("unread", unread=self.unread))
            if self.number != number:
                await self.recount()  # what came while nobody followed was not counted

    def _reaches(self, since: Cursor) -> bool:
        return self._clock.now() - since.at < GOOD_FOR and not is_too_old(since, self.number, kept=EVERYTHING)

    async def recount(self) -> None:
        """Some may have been read, by this member's other devices or here."""
        async with self.lock:
            await self.look(await self._state())

    async def look(self, state: InboxState) -> None:
        """Tell what is new, by what the store says. Call it with the lock held."""
        await self.come_to(state.number)
        if state.number == self.number and state.unread != self.unread:
            self.unread = state.unread
            told = Outgoing("unread", unread=self.unread)
            for tell in tuple(self.followers):
                tell(told)

    def _tell(self, item: Item) -> None:
        self.unread += item.data["read_at"] is None
        super()._tell(item)

    async def _state(self) -> InboxState:
        return (await self._queries.inboxes([self._user_id]))[self._user_id]


def gap(detail: str, **about: str) -> Outgoing:
    """What a client is told that came back with a cursor which is too old."""
    return Outgoing("error", code="gap-too-old", detail=detail, **about)
