"""Trails that are sealed, and what the verification says of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from adapters.security.audit_seals import HmacTrailSignature
from adapters.security.secrets import AUDIT_SEALS, Keychain
from adapters.sql import Database, create_engine
from application.audit.ports import TrailSignature
from application.audit.sealing import SealAudit, VerifyAudit
from application.audit.views import Flaw, Verification
from domain.access.actor import PROCESS
from domain.audit.entry import Entry, SealedEntry
from tests.contracts.builders import NOW, SECOND, SECRET, add_entries, an_entry, signed
from tests.stores import Store, sql_store

OLDER, NEWER, FORGERS = "o" * 40, "n" * 40, "f" * 40
MICRO = timedelta(microseconds=1)


def signature(*secrets: str) -> TrailSignature:
    return HmacTrailSignature(Keychain.of(secrets or [SECRET], AUDIT_SEALS))


async def sealed(store: Store, *secrets: str) -> int:
    return (await SealAudit(store.transactions, store.audit, signature(*secrets))(PROCESS)).count


async def verified(store: Store, *secrets: str, head: str | None = None) -> Verification:
    return await VerifyAudit(store.audit, signature(*secrets))(PROCESS, head=head)


async def chain(store: Store) -> list[SealedEntry]:
    return list(await store.audit.chain(0, 100_000))


def full_entries(count: int, *, since: int = 0, secret: str = SECRET) -> list[Entry]:
    """Every field is set; ids go up with the times, so that they are sealed in this order."""
    entries = [
        an_entry(
            id=UUID(int=1000 + since + n),
            at=NOW + (since + n) * SECOND,
            actor=str(uuid4()),
            api_key_id=uuid4(),
            impersonating=uuid4(),
            item=str(uuid4()),
            request_id=f"r{since + n}",
        )
        for n in range(count)
    ]
    return [signed(entry, secret) for entry in entries]


async def holding_chain(store: Store, count: int = 6) -> list[SealedEntry]:
    """A sealed trail that is as it should be."""
    await add_entries(store, *full_entries(count))
    assert await sealed(store) == count
    assert (await verified(store)).is_sound
    return await chain(store)


async def broken(store: Store, *secrets: str, head: str | None = None) -> list[tuple[int, Flaw]]:
    found = await verified(store, *secrets, head=head)
    return [(link.number, link.flaw) for link in found.broken]


@asynccontextmanager
async def another(store: Store) -> AsyncIterator[Store]:
    """The same database, as another process of the service has it: with an engine of its own."""
    assert store.engine is not None
    engine = create_engine(Database(store.engine.url.render_as_string(hide_password=False)))
    try:
        yield sql_store(store.name, engine)
    finally:
        await engine.dispose()
