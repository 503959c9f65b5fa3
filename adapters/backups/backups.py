"""Saving an installation into one file, and bringing it back, on whichever database."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.backups.encryption import decrypted, encrypted
from adapters.backups.files import Kind, compressed, decompressed, new_file, recognised
from adapters.backups.format import End, Header, Item, Writer, damaged, read
from adapters.backups.saving import Tell, everything_in
from adapters.backups.taking_over import take_over
from adapters.sql.database_snapshots import snapshot_of, snapshot_of_file
from adapters.sql.restoring import target_at
from adapters.sql.schema import HEAD
from application.audit.trail import Trail
from application.backups import BackupView
from application.blobs import BlobStore
from application.ports import Clock
from domain.access.actor import Actor
from domain.errors import Conflict, Invalid


@dataclass(frozen=True)
class Backups:
    """`secrets` are the ids of those that are configured; `trail` writes under the current one, which is made where
    there is none. `moothall` is this version."""

    engine: AsyncEngine
    blobs: BlobStore
    clock: Clock
    secrets: Collection[str]
    trail: Callable[[], Trail]
    moothall: str

    async def save(self, file: Path | BinaryIO, *, passphrase: str | None, with_files: bool, tell: Tell) -> BackupView:
        """While others go on writing. A path gets its file once that is whole; what was written elsewhere is no backup
        where this fails.

        Raises:
            NotFound: `no-database`.
            Conflict: `database-too-new`.
            Unavailable: the database or the store of files does not answer.
            OSError: the file takes no more.
        """
        async with snapshot_of(self.engine) as snapshot:
            with ExitStack() as layers:
                opened = layers.enter_context(new_file(file)) if isinstance(file, Path) else file
                plain = layers.enter_context(encrypted(opened, passphrase)) if passphrase is not None else opened
                target = layers.enter_context(compressed(plain))
                items = everything_in(
                    snapshot,
                    self.blobs if with_files else None,
                    moothall=self.moothall,
                    now=self.clock.now(),
                    known=self.secrets,
                    tell=tell,
                )
                return await _written(items, target)

    async def restore(
        self,
        file: Path | BinaryIO,
        *,
        actor: Actor,
        ask_passphrase: Callable[[], str],
        with_another_secret: bool,
        with_files: bool,
        tell: Tell,
    ) -> BackupView:
        """From a backup, or from a database of SQLite at a path. The database has to be empty, and stays as it was if
        this fails.

        Raises:
            Conflict: `database-not-empty`, `database-too-new`, `another-secret`.
            Invalid: `backup-damaged`, `backup-contradictory`, `backup-too-new`.
            Unauthenticated: `bad-passphrase`.
            Unavailable: the database or the store of files does not answer.
        """
        async with self._opened(file, ask_passphrase) as items:
            header = await anext(items)
            assert isinstance(header, Header)  # noqa: S101
            if header.revision > HEAD:
                raise Invalid(
                    "backup-too-new",
                    f"It was saved by Moothall {header.moothall}, at revision {header.revision}; this version"
                    f" ({self.moothall}) knows those up to {HEAD}. Restore it with that version, or a newer one.",
                )
            missing = {} if with_another_secret else header.secrets.keys() - set(self.secrets)
            if missing:
                raise _another_secret(header, sorted(missing))
            async with target_at(self.engine) as target:
                await target.require_empty()
                end = await take_over(header, items, target, self.blobs if with_files else None, tell)
                uow = await target.finish()
                await self.trail().record(uow, actor, "database.restored", subject=header.saved_at)
        return _view(header, end)

    @asynccontextmanager
    async def _opened(
        self, file: Path | BinaryIO, ask_passphrase: Callable[[], str]
    ) -> AsyncIterator[AsyncIterator[Item]]:
        async with AsyncExitStack() as layers:
            opened = layers.enter_context(file.open("rb")) if isinstance(file, Path) else file
            kind, whole = recognised(opened)
            match kind, file:
                case Kind.DATABASE, Path():
                    snapshot = await layers.enter_async_context(snapshot_of_file(file))
                    yield everything_in(snapshot, None, moothall=self.moothall, now=self.clock.now(), tell=_nobody)
                case Kind.ENCRYPTED, _:
                    plain = layers.enter_context(decrypted(whole, ask_passphrase()))
                    yield _one_by_one(read(decompressed(plain)))
                case Kind.PLAIN, _:
                    yield _one_by_one(read(decompressed(whole)))
                case _:
                    raise damaged("It is neither what moothall db backup writes, nor a file of SQLite.")


def _nobody(what: str, count: int) -> None:
    """Who takes over tells how far it is."""


async def _written(items: AsyncIterator[Item], file: BinaryIO) -> BackupView:
    writer = Writer()
    header = end = None
    async for item in items:
        file.write(writer.lines(item))
        match item:
            case Header():
                header = item
            case End():
                end = item
    assert header is not None and end is not None  # noqa: S101, PT018
    return _view(header, end)


def _view(header: Header, end: End) -> BackupView:
    return BackupView(header.moothall, header.revision, header.engine, header.saved_at, end.rows, end.files)


async def _one_by_one(items: Iterator[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


def _another_secret(header: Header, missing: list[str]) -> Conflict:
    needing = ", ".join(f"{table} {count}" for id in missing for table, count in header.secrets[id].items())
    return Conflict(
        "another-secret",
        f"What was saved needs a secret that is not configured here (id {', '.join(missing)}; {needing}). Bring it"
        " along: the file secret.key of the old data directory, into the data directory of this one, or its contents as"
        " MOOTHALL_SECRET_KEY (or MOOTHALL_SECRET_KEY_PREVIOUS). If it is lost for good: --with-another-secret",
    )
