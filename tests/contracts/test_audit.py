"""The audit trail: what was done stays as it was written, is found by every filter, and gets its seal once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import Any
from uuid import UUID, uuid4

import pytest
from asyncpg import UniqueViolationError
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from application.audit.views import AuditFilters
from application.paging import Position, Row
from domain.audit.entry import Entry, Seal, SealedEntry
from tests.contracts.builders import NOW, SECOND, a_user, add_entries, an_entry, examples, stored
from tests.contracts.tampering import erase_all
from tests.contracts.test_text_and_time import HOSTILE, moments
from tests.stores import Store

MICRO = timedelta(microseconds=1)
EVERYTHING = AuditFilters()
FULL = an_entry(
    "session.ended",
    actor=str(uuid4()),
    api_key_id=uuid4(),
    impersonating=uuid4(),
    subject="editor",
    item=str(uuid4()),
    fields=("password", "+users:*", "-audit:read"),
    address="2001:db8::1",
    request_id="R_1.x-9",
)
BARE = an_entry(
    "housekeeping.swept",
    at=NOW - SECOND,
    actor="moothall",
    subject=None,
    fields=(),
    address=None,
    request_id=None,
)


def in_order(entries: Sequence[Entry]) -> list[Row[Entry]]:
    """What a store has to answer."""
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)
    return [Row(Position(entry.at, entry.id), entry) for entry in ordered]


def matches(entry: Entry, filters: AuditFilters) -> bool:
    return (
        (filters.actor is None or entry.actor == filters.actor)
        and (filters.action is None or entry.action == filters.action)
        and (filters.subject is None or entry.subject == filters.subject)
        and (filters.since is None or filters.since <= entry.at)
        and (filters.until is None or entry.at < filters.until)
    )


def a_seal(number: int, **fields: Any) -> Seal:
    return replace(Seal(number, number.to_bytes(32), "k1", bytes(range(32))), **fields)


def entries_in_order(count: int, **fields: Any) -> list[Entry]:
    """Their ids go up with their times, as those do that the service makes."""
    return [an_entry(id=UUID(int=n + 1), at=NOW + n * SECOND, **fields) for n in range(count)]


async def listed(store: Store, filters: AuditFilters = EVERYTHING) -> list[Row[Entry]]:
    return await store.audit.entries(filters, after=None, offset=0, limit=1000)


async def unsealed(store: Store, limit: int = 1000) -> Sequence[Entry]:
    async with store.transactions.begin() as uow:
        return await uow.audit.unsealed(limit)


async def last_seal(store: Store) -> Seal | None:
    async with store.transactions.begin() as uow:
        return await uow.audit.last_seal()


async def seal(store: Store, seals: dict[UUID, Seal]) -> None:
    async with store.transactions.begin() as uow:
        await uow.audit.seal(seals)


async def test_every_field_comes_back(store: Store) -> None:
    await add_entries(store, FULL, BARE)
    seals = {FULL.id: a_seal(1), BARE.id: a_seal(2, secret_id="", digest=b"", mac=bytes(range(256)))}
    assert await listed(store) == in_order([FULL, BARE])
    assert {entry.id: entry for entry in await unsealed(store)} == {FULL.id: FULL, BARE.id: BARE}
    await seal(store, seals)
    assert await store.audit.chain(0, 10) == [SealedEntry(FULL, seals[FULL.id]), SealedEntry(BARE, seals[BARE.id])]
    assert await last_seal(store) == seals[BARE.id]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
request_ids = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True)
field_names = st.lists(st.from_regex(r"[+-]?[a-z_]{1,8}(:([a-z]{1,8}|\*))?|[+-]\*", fullmatch=True), max_size=6)
entries = st.builds(
    an_entry,
    st.from_regex(r"[a-z-]{1,9}\.[a-z-]{1,9}", fullmatch=True),
    at=moments,
    actor=texts,
    api_key_id=st.none() | st.uuids(),
    impersonating=st.none() | st.uuids(),
    subject=st.none() | texts,
    item=st.none() | texts,
    fields=field_names.map(tuple),
    address=st.none() | texts,
    request_id=st.none() | request_ids,
)


@examples
@given(entries)
async def test_whatever_can_be_told_comes_back_as_it_went_in(store: Store, entry: Entry) -> None:
    await erase_all(store)
    await add_entries(store, entry)
    assert await listed(store) == in_order([entry])
    assert (await listed(store))[0].value.at.utcoffset() == timedelta(0)
    assert await unsealed(store) == [entry]
    for filters in (AuditFilters(actor=entry.actor), AuditFilters(action=entry.action)):
        assert await store.audit.count_entries(filters) == 1


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_comes_back_as_it_went_in_and_is_found(store: Store, text: str) -> None:
    entry = an_entry(text, actor=text, subject=text, item=text, address=text, request_id=text)
    await add_entries(store, entry, an_entry())
    for filters in (AuditFilters(actor=text), AuditFilters(action=text), AuditFilters(subject=text)):
        assert await listed(store, filters) == in_order([entry])
        assert await store.audit.count_entries(filters) == 1


async def test_a_time_of_another_zone_is_the_same_moment(store: Store) -> None:
    entry = an_entry(at=NOW.astimezone(timezone(timedelta(hours=-9, minutes=-30))))
    await add_entries(store, entry)
    assert await listed(store) == in_order([replace(entry, at=NOW)])


async def test_an_id_is_taken_once(store: Store) -> None:
    """Ids are made by chance, so that this is a bug, which is not overlooked: nothing is written over."""
    await add_entries(store, FULL)
    with pytest.raises((IntegrityError, UniqueViolationError, LookupError)):
        await add_entries(store, replace(BARE, id=FULL.id))
    assert await listed(store) == in_order([FULL])


async def test_an_entry_of_a_unit_of_work_that_is_rolled_back_is_not_there(store: Store) -> None:
    user, kept = a_user(), an_entry()
    await add_entries(store, kept)

    async def change_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.users.add(user)
            await uow.audit.add(an_entry())
            await uow.audit.seal({kept.id: a_seal(1)})
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert await stored(store, user.id) is None
    assert await listed(store) == in_order([kept])
    assert await unsealed(store) == [kept]
    assert await last_seal(store) is None


async def test_readers_see_nothing_that_is_not_committed(store: Store) -> None:
    entry = an_entry()
    async with store.transactions.begin() as uow:
        await uow.audit.add(entry)
        assert await uow.audit.unsealed(10) == [entry]
        await uow.audit.seal({entry.id: a_seal(1)})
        assert await uow.audit.unsealed(10) == []
        assert await uow.audit.last_seal() == a_seal(1)
        assert await store.audit.count_entries(EVERYTHING) == 0
        assert await store.audit.chain(0, 10) == []
    assert await store.audit.chain(0, 10) == [SealedEntry(entry, a_seal(1))]


async def test_what_many_units_of_work_write_at_once_is_all_there(store: Store) -> None:
    written = [an_entry(at=NOW + n % 3 * MICRO) for n in range(60)]

    async def write(number: int) -> None:
        async with store.transactions.begin() as uow:
            await uow.audit.add(written[2 * number])
            await asyncio.sleep(0)
            await uow.audit.add(written[2 * number + 1])

    await asyncio.gather(*(write(n) for n in range(30)))
    assert await listed(store) == in_order(written)
    assert await store.audit.count_unsealed() == 60
    assert await unsealed(store) == sorted(written, key=lambda entry: entry.id)


async def test_newest_come_first_and_ties_are_ordered_by_id_downwards(store: Store) -> None:
    twins = [an_entry() for _ in range(7)]
    older, newer = an_entry(at=NOW - MICRO), an_entry(at=NOW + MICRO)
    await add_entries(store, *twins, older, newer)
    ids = [row.value.id for row in await listed(store)]
    assert ids == [newer.id, *sorted((twin.id for twin in twins), reverse=True), older.id]


async def test_a_page_begins_behind_a_position_even_where_no_entry_stands_there(store: Store) -> None:
    written = [an_entry(at=NOW + n * SECOND) for n in (0, 2, 4)]
    await add_entries(store, *written)
    rows = await store.audit.entries(EVERYTHING, after=Position(NOW + 3 * SECOND, uuid4()), offset=0, limit=10)
    assert rows == in_order(written[:2])


times = st.integers(0, 3).map(lambda n: NOW + timedelta(microseconds=n))
"""Few, so that there are many ties."""

actors, actions, subjects = ["cli:root", "moothall"], ["user.updated", "user.removed"], ["editor", "Editor"]
some_entries = st.lists(
    st.builds(
        an_entry,
        st.sampled_from(actions),
        at=times,
        actor=st.sampled_from(actors),
        subject=st.none() | st.sampled_from(subjects),
    ),
    max_size=12,
)
some_filters = st.builds(
    AuditFilters,
    actor=st.none() | st.sampled_from([*actors, "cli"]),
    action=st.none() | st.sampled_from([*actions, "user."]),
    subject=st.none() | st.sampled_from([*subjects, "edit"]),
    since=st.none() | times,
    until=st.none() | times,
)


@examples
@given(some_entries, some_filters, st.integers(1, 4))
async def test_pages_of_both_kinds_together_are_all_that_the_filters_let_through(
    store: Store, written: list[Entry], filters: AuditFilters, size: int
) -> None:
    expected = in_order([entry for entry in written if matches(entry, filters)])
    await erase_all(store)
    await add_entries(store, *written)
    followed: list[Row[Entry]] = []
    after: Position | None = None
    while rows := await store.audit.entries(filters, after=after, offset=0, limit=size):
        followed += rows
        after = rows[-1].position
    numbered: list[Row[Entry]] = []
    while rows := await store.audit.entries(filters, after=None, offset=len(numbered), limit=size):
        numbered += rows
    assert followed == expected
    assert numbered == expected
    assert await store.audit.count_entries(filters) == len(expected)


MATCHING = AuditFilters(
    actor=FULL.actor, action=FULL.action, subject=FULL.subject, since=FULL.at, until=FULL.at + MICRO
)
FAILING = AuditFilters(
    actor=FULL.actor.upper() + "x", action="session", subject="Editor", since=FULL.at + MICRO, until=FULL.at
)
NAMES = ("actor", "action", "subject", "since", "until")


@pytest.mark.parametrize("names", [chosen for n in range(6) for chosen in combinations(NAMES, n)], ids="-".join)
async def test_filters_narrow_each_other_down(store: Store, names: tuple[str, ...]) -> None:
    """Every combination of filters finds the entry; and none does any more once one of them does not match."""
    await add_entries(store, FULL, BARE, an_entry(at=NOW + SECOND))
    chosen = replace(EVERYTHING, **{name: getattr(MATCHING, name) for name in names})
    assert FULL in [row.value for row in await listed(store, chosen)]
    assert await store.audit.count_entries(chosen) == len(await listed(store, chosen))
    for name in names:
        failing = replace(chosen, **{name: getattr(FAILING, name)})
        assert FULL not in [row.value for row in await listed(store, failing)]
        assert await store.audit.count_entries(failing) == len(await listed(store, failing))


async def test_since_is_included_and_until_is_not(store: Store) -> None:
    before, at, behind = (an_entry(at=NOW + n * MICRO) for n in (-1, 0, 1))
    await add_entries(store, before, at, behind)
    for filters, found in (
        (AuditFilters(since=NOW), [at, behind]),
        (AuditFilters(until=NOW), [before]),
        (AuditFilters(since=NOW, until=NOW + MICRO), [at]),
        (AuditFilters(since=NOW, until=NOW), []),
        (AuditFilters(since=NOW + MICRO, until=NOW), []),
        (AuditFilters(since=NOW.astimezone(timezone(timedelta(hours=5)))), [at, behind]),
        (AuditFilters(until=datetime.max.replace(tzinfo=NOW.tzinfo)), [before, at, behind]),
    ):
        assert await listed(store, filters) == in_order(found)
        assert await store.audit.count_entries(filters) == len(found)


@pytest.mark.parametrize("text", ["\0", "editor\0", "\ud800", "a\udfffb", "", "edito_", "%", "' OR 1=1 --", "EDITOR"])
@pytest.mark.parametrize("name", ["actor", "action", "subject"])
async def test_filters_are_compared_exactly(store: Store, name: str, text: str) -> None:
    await add_entries(store, an_entry("editor", actor="editor", subject="editor"), BARE)
    chosen: dict[str, Any] = {name: text}
    filters = replace(EVERYTHING, **chosen)
    assert await listed(store, filters) == []
    assert await store.audit.count_entries(filters) == 0


async def test_unsealed_entries_come_oldest_first_and_not_more_than_asked_for(store: Store) -> None:
    written = entries_in_order(5)
    await add_entries(store, *reversed(written))
    assert await unsealed(store) == written
    assert await unsealed(store, 2) == written[:2]
    assert await unsealed(store, 5) == written
    await seal(store, {written[0].id: a_seal(1), written[3].id: a_seal(2)})
    assert await unsealed(store) == [written[1], written[2], written[4]]
    assert await unsealed(store, 2) == [written[1], written[2]]


async def test_what_is_not_sealed_is_counted(store: Store) -> None:
    written = entries_in_order(3)
    assert await store.audit.count_unsealed() == 0
    await add_entries(store, *written)
    assert await store.audit.count_unsealed() == 3
    await seal(store, {written[1].id: a_seal(1)})
    assert await store.audit.count_unsealed() == 2
    await seal(store, {written[0].id: a_seal(2), written[2].id: a_seal(3)})
    assert await store.audit.count_unsealed() == 0
    assert await store.audit.count_entries(EVERYTHING) == 3


async def test_the_last_seal_is_the_one_with_the_greatest_number(store: Store) -> None:
    written = entries_in_order(12)
    await add_entries(store, *written)
    assert await last_seal(store) is None
    await seal(store, {entry.id: a_seal(12 - n) for n, entry in enumerate(written)})
    assert await last_seal(store) == a_seal(12)


async def test_an_entry_that_is_sealed_keeps_its_first_seal(store: Store) -> None:
    first, second = entries_in_order(2)
    await add_entries(store, first, second)
    await seal(store, {first.id: a_seal(1)})
    await seal(store, {first.id: a_seal(7, secret_id="k2"), second.id: a_seal(2)})
    assert await store.audit.chain(0, 10) == [SealedEntry(first, a_seal(1)), SealedEntry(second, a_seal(2))]


async def test_a_number_in_the_chain_is_given_once(store: Store) -> None:
    first, second = entries_in_order(2)
    await add_entries(store, first, second)
    await seal(store, {first.id: a_seal(1)})
    with pytest.raises((IntegrityError, LookupError)):
        await seal(store, {second.id: a_seal(1)})
    assert await store.audit.chain(0, 10) == [SealedEntry(first, a_seal(1))]
    assert await unsealed(store) == [second]


async def test_sealing_what_is_not_there_leaves_the_chain_as_it_is(store: Store) -> None:
    entry = an_entry()
    await add_entries(store, entry)
    await seal(store, {entry.id: a_seal(1)})
    await seal(store, {uuid4(): a_seal(2)})
    assert await store.audit.chain(0, 10) == [SealedEntry(entry, a_seal(1))]
    assert await store.audit.count_unsealed() == 0
    assert await last_seal(store) == a_seal(1)


async def test_sealing_nothing_changes_nothing(store: Store) -> None:
    entry = an_entry()
    await add_entries(store, entry)
    await seal(store, {})
    assert await unsealed(store) == [entry]


async def test_the_chain_is_in_the_order_of_its_numbers_whatever_the_times_say(store: Store) -> None:
    written = entries_in_order(12)
    await add_entries(store, *written)
    await seal(store, {entry.id: a_seal(12 - n) for n, entry in enumerate(written)})
    whole = [SealedEntry(entry, a_seal(n + 1)) for n, entry in enumerate(reversed(written))]
    assert await store.audit.chain(0, 100) == whole
    assert await store.audit.chain(0, 5) == whole[:5]
    assert await store.audit.chain(5, 5) == whole[5:10]
    assert await store.audit.chain(10, 5) == whole[10:]
    assert await store.audit.chain(12, 5) == []


async def test_what_is_not_sealed_is_not_in_the_chain(store: Store) -> None:
    first, second = entries_in_order(2)
    await add_entries(store, first, second)
    assert await store.audit.chain(0, 10) == []
    await seal(store, {second.id: a_seal(1)})
    assert await store.audit.chain(0, 10) == [SealedEntry(second, a_seal(1))]


async def test_the_trail_stays_when_the_account_goes(store: Store) -> None:
    user = a_user()
    entry = an_entry(subject=str(user.id), actor=str(user.id))
    async with store.transactions.begin() as uow:
        await uow.users.add(user)
        await uow.audit.add(entry)
    async with store.transactions.begin() as uow:
        await uow.users.remove(user.id)
    assert await listed(store, AuditFilters(subject=str(user.id))) == in_order([entry])
