"""The job that imports a file, a chunk of its rows in each transaction."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.identity.ports import EmailSyntax, PasswordHasher
from application.imports.columns import HEAD, Header
from application.imports.files import ImportFiles
from application.imports.merging import MOST_WITH_MUCH_TO_FOLLOW, Merging, PreparedRow, TooMuchAtOnce
from application.imports.records import Record, Records
from application.imports.rows import Rows
from application.imports.views import progress_of
from application.jobs.kinds import LeaseLost, Run
from application.ports import Clock, Ids
from application.unit_of_work import ACCESS, Transactions
from domain.errors import Conflict, NotFound, Unavailable
from domain.imports.members_import import MembersImport, OnDuplicate

T = TypeVar("T")

CHUNK = 4_000
"""Rows that one transaction merges: so many that a million takes a minute, so few that nobody waits long."""
MOST_BYTES = 4 * 1024 * 1024
"""Of a file that one chunk is read from: rows may be long."""
PAUSE = 100
"""What part of the time that a chunk took nothing is done: on SQLite other processes find the file free then."""
PIECE = 65_536
"""Bytes that are read into records at once, in a thread."""
TRIES = 3
"""At a chunk of which somebody else makes the accounts at the same time; then it is done row by row."""


@dataclass(frozen=True)
class Importing:
    """How far it has come is stored with each chunk, in the same transaction and under a lock: whoever begins anew goes
    on from there, and of two workers at once one finds that it was overtaken. So nothing is lost, or done twice.

    While the store merges a chunk, the next one is read in a thread.
    """

    transactions: Transactions
    files: ImportFiles
    merging: Merging
    emails: EmailSyntax
    hasher: PasswordHasher
    clock: Clock
    ids: Ids

    async def work(self, run: Run) -> None:
        """Raises NotFound (`import-not-found`, `file-not-found`), Denied (also `importer-gone`)."""
        found = await self._import(UUID(run.job.args["import_id"]))
        rows = await self._rows(found)
        async with aclosing(_ahead(self._chunks(found, rows))) as chunks:
            async for chunk in chunks:
                found = await self._merged(found, rows, chunk)
                await self._tell(run, found)
        counts = found.counts
        await self._tell(run, found, is_over=True)
        result = {
            "import_id": str(found.id),
            "created": counts.created,
            "updated": counts.updated,
            "skipped": counts.skipped,
            "rejected": counts.rejected,
        }
        async with run.finishing(result):
            pass
        if counts.created and not found.dry_run:
            await self._settle()
        with suppress(Unavailable):  # else it is swept
            await self.files.remove(found.id)

    async def _tell(self, run: Run, found: MembersImport, *, is_over: bool = False) -> None:
        told = progress_of(found, is_over=is_over)
        await run.progress(told.done, told.total, rejected=told.rejected)

    async def _settle(self) -> None:
        with suppress(Unavailable):  # else the database does it by itself, some time later
            async with self.transactions.begin() as uow:
                await uow.imports.settle()

    async def _import(self, import_id: UUID) -> MembersImport:
        async with self.transactions.begin() as uow:
            found = await uow.imports.get(import_id)
        if found is None:
            raise NotFound("import-not-found", "There is no such import any more.")
        return found

    async def _rows(self, found: MembersImport) -> Rows:
        head = b""
        async with aclosing(_pieces(await self.files.open(found.id))) as pieces:
            async for piece in pieces:
                head += piece
                if len(head) >= HEAD:
                    break
        return Rows(
            Header.of(head[:HEAD], found.source),
            found.source,
            emails=self.emails,
            hasher=self.hasher,
            new_id=self.ids.new,
            now=self.clock.now(),
        )

    async def _chunks(self, found: MembersImport, rows: Rows) -> AsyncGenerator[Sequence[PreparedRow]]:
        """What is left of the file."""
        reading = _Reading(Records(rows.header.delimiter), rows, behind=found.counts.done)
        waiting: list[PreparedRow] = []
        size = 0
        async with aclosing(_pieces(await self.files.open(found.id))) as pieces:
            async for piece in pieces:
                waiting += await asyncio.to_thread(reading.feed, piece)
                size += len(piece)
                while len(waiting) >= CHUNK or (waiting and size >= MOST_BYTES):
                    yield waiting[:CHUNK]
                    del waiting[:CHUNK]
                    size = 0
        waiting += await asyncio.to_thread(reading.finish)
        for first in range(0, len(waiting), CHUNK):
            yield waiting[first : first + CHUNK]

    async def _merged(self, found: MembersImport, rows: Rows, chunk: Sequence[PreparedRow]) -> MembersImport:
        """The import behind this chunk."""
        began = self.clock.now()
        try:
            if _has_much_to_follow(found, rows):
                raise TooMuchAtOnce
            found = await self._merged_somehow(found, rows, chunk)
        except TooMuchAtOnce:
            for first in range(0, len(chunk), MOST_WITH_MUCH_TO_FOLLOW):
                some = chunk[first : first + MOST_WITH_MUCH_TO_FOLLOW]
                found = await self._merged_somehow(found, rows, some)
        await asyncio.sleep((self.clock.now() - began).total_seconds() / PAUSE)
        return found

    async def _merged_somehow(self, found: MembersImport, rows: Rows, some: Sequence[PreparedRow]) -> MembersImport:
        """At once, or should others make the same accounts again and again, row by row.

        Raises:
            Unavailable: `too-busy`; not even so.
        """
        for _ in range(TRIES):
            with suppress(Conflict):
                return await self._merged_at_once(found, rows, some)
        if len(some) == 1:
            raise Unavailable("too-busy", "Others change the same accounts all the time; the import goes on later.")
        for row in some:
            found = await self._merged_somehow(found, rows, [row])
        return found

    async def _merged_at_once(self, found: MembersImport, rows: Rows, chunk: Sequence[PreparedRow]) -> MembersImport:
        async with self.transactions.begin() as uow:
            await uow.serialise(ACCESS)  # before the import is locked, as by who deletes the importer's account
            current = await uow.imports.get(found.id)
            if current is None or current.counts != found.counts:
                raise LeaseLost
            return await self.merging.merge(uow, current, rows, chunk, self.clock.now())


def _has_much_to_follow(found: MembersImport, rows: Rows) -> bool:
    """Whether there are statements for each row, whoever listens."""
    may_sign_out = found.on_duplicate is OnDuplicate.UPDATE and "is_active" in rows.header.fields
    return not found.dry_run and (found.invite or may_sign_out)


class _Reading:
    """From the bytes of a file to the rows behind those that are done."""

    def __init__(self, records: Records, rows: Rows, *, behind: int) -> None:
        self._records = records
        self._rows = rows
        self._to_pass_over = 1 + behind  # the header, too

    def feed(self, piece: bytes) -> list[PreparedRow]:
        return self._prepared(self._records.feed(piece))

    def finish(self) -> list[PreparedRow]:
        return self._prepared(self._records.finish())

    def _prepared(self, records: Sequence[Record]) -> list[PreparedRow]:
        fresh = records[self._to_pass_over :]
        self._to_pass_over = max(0, self._to_pass_over - len(records))
        return [self._rows.read(record) for record in fresh]


async def _pieces(content: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """So small that reading one into records takes no other thread's time for long."""
    async for large in content:
        for first in range(0, len(large), PIECE):
            yield large[first : first + PIECE]


async def _ahead(chunks: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same, with the next one being made while somebody uses this one."""
    async with aclosing(chunks):
        coming = asyncio.create_task(_next(chunks))
        try:
            while (found := await coming) is not None:
                coming = asyncio.create_task(_next(chunks))
                yield found
        finally:
            coming.cancel()
            await asyncio.wait([coming])


async def _next(chunks: AsyncGenerator[T]) -> T | None:
    return await anext(chunks, None)
