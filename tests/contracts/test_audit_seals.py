"""The chain under the audit trail: sealed by many, without a gap."""

import asyncio
from datetime import timedelta, timezone

from hypothesis import given

from application.audit.proofs import is_our_seal
from application.audit.sealing import AT_ONCE, SealAudit
from application.audit.views import Sealed, Verification
from domain.access.actor import PROCESS
from domain.audit.entry import BEGINNING, Entry, chained
from tests.contracts.builders import NOW, add_entries, an_entry, examples
from tests.contracts.sealed_trails import (
    another,
    chain,
    full_entries,
    holding_chain,
    sealed,
    signature,
    verified,
)
from tests.contracts.tampering import erase_all
from tests.contracts.test_audit import entries
from tests.stores import Store


async def test_a_chain_begins_at_one_and_each_link_holds_the_one_before(store: Store) -> None:
    written = full_entries(5)
    await add_entries(store, *reversed(written))
    assert await sealed(store) == 5
    digest = BEGINNING
    links = await chain(store)
    assert [link.entry for link in links] == written
    for number, link in enumerate(links, start=1):
        digest = chained(digest, number, link.entry)
        assert (link.seal.number, link.seal.digest) == (number, digest)
        assert is_our_seal(link.seal, signature()) is True


async def test_what_is_sealed_later_is_chained_to_what_was_sealed_before(store: Store) -> None:
    for n in range(3):
        await add_entries(store, *full_entries(2, since=2 * n))
        assert await sealed(store) == 2
        assert await sealed(store) == 0
    assert [link.seal.number for link in await chain(store)] == [1, 2, 3, 4, 5, 6]
    head = f"6:{(await chain(store))[5].seal.digest.hex()}"
    assert await verified(store) == Verification(sealed=6, unsealed=0, unproven=0, head=head, broken=[])


async def test_an_entry_with_an_earlier_id_that_was_committed_later_comes_later_in_the_chain(store: Store) -> None:
    late, *others = full_entries(3)
    await add_entries(store, *others)
    await sealed(store)
    await add_entries(store, late)
    await sealed(store)
    assert [link.entry for link in await chain(store)] == [*others, late]
    assert (await verified(store)).is_sound


async def test_an_empty_trail_has_nothing_to_seal_and_nothing_broken(store: Store) -> None:
    assert await sealed(store) == 0
    head = f"0:{'00' * 32}"
    assert await verified(store) == Verification(sealed=0, unsealed=0, unproven=0, head=head, broken=[])
    assert (await verified(store, head=head)).is_sound


async def test_what_is_not_sealed_yet_is_told(store: Store) -> None:
    await holding_chain(store, 2)
    await add_entries(store, *full_entries(3, since=2))
    found = await verified(store)
    assert (found.sealed, found.unsealed, found.broken) == (2, 3, [])


async def test_more_entries_than_one_transaction_seals_are_sealed_all_the_same(store: Store) -> None:
    count = 2 * AT_ONCE + 1
    await add_entries(store, *full_entries(count))
    assert await sealed(store) == count
    found = await verified(store)
    assert (found.sealed, found.unsealed, found.broken) == (count, 0, [])
    assert [link.seal.number for link in await chain(store)] == list(range(1, count + 1))


@examples
@given(entries)
async def test_an_entry_is_read_as_what_was_sealed_whatever_is_in_it(store: Store, entry: Entry) -> None:
    await erase_all(store)
    await add_entries(store, entry)
    assert await sealed(store) == 1
    assert (await chain(store))[0].seal.digest == chained(BEGINNING, 1, entry)
    assert (await verified(store)).is_sound


async def test_a_time_of_another_zone_does_not_break_the_chain(store: Store) -> None:
    await add_entries(store, an_entry(at=NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))))
    await sealed(store)
    assert (await verified(store)).is_sound


async def test_who_seals_at_once_on_one_store_seals_each_entry_once(store: Store) -> None:
    await add_entries(store, *full_entries(40))
    counts = await asyncio.gather(*(sealed(store) for _ in range(5)))
    assert sum(counts) == 40
    assert [link.seal.number for link in await chain(store)] == list(range(1, 41))
    assert (await verified(store)).is_sound


async def test_two_processes_that_seal_while_entries_are_written_make_one_chain_without_gaps(database: Store) -> None:
    written = full_entries(60)

    async def seal_often(store: Store) -> int:
        count = 0
        for _ in range(12):
            count += await sealed(store)
            await asyncio.sleep(0)
        return count

    async def write(store: Store, some: list[Entry]) -> int:
        for entry in some:
            await add_entries(store, entry)
        return 0

    async with another(database) as other:
        await add_entries(database, *written[:20])
        counts = await asyncio.gather(
            seal_often(database),
            seal_often(other),
            write(database, written[20:40]),
            write(other, written[40:]),
        )
        rest = sum(await asyncio.gather(sealed(database), sealed(other)))
        assert sum(counts) + rest == 60
        for store in (database, other):
            found = await verified(store)
            assert (found.sealed, found.unsealed, found.broken) == (60, 0, [])
    links = await chain(database)
    assert [link.seal.number for link in links] == list(range(1, 61))
    assert {link.entry.id for link in links} == {entry.id for entry in written}


async def test_two_processes_that_begin_a_large_chain_together_make_one(database: Store) -> None:
    count = AT_ONCE + 100
    await add_entries(database, *full_entries(count))
    async with another(database) as other:
        assert sum(await asyncio.gather(sealed(database), sealed(other))) == count
    assert [link.seal.number for link in await chain(database)] == list(range(1, count + 1))
    assert (await verified(database)).is_sound


async def test_who_sealed_is_told_the_end_of_the_chain(store: Store) -> None:
    await add_entries(store, *full_entries(3))
    seal = SealAudit(store.transactions, store.audit, signature())
    assert await seal(PROCESS) == Sealed(3, (await verified(store)).head)
    assert await seal(PROCESS) == Sealed(0, None)
