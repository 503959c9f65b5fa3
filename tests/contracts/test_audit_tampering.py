"""Whatever somebody does to the audit trail behind its back is found."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.memory import MemoryAuditQueries
from adapters.sql.tables import audit_entries
from application.audit.ports import TrailSignature
from application.audit.sealing import AT_ONCE
from application.audit.views import BrokenLink, Flaw
from domain.audit.entry import BEGINNING, Entry, SealedEntry, chained
from domain.errors import Conflict, Invalid
from tests.contracts.builders import NOW, SECOND, add_entries, signed
from tests.contracts.sealed_trails import (
    FORGERS,
    MICRO,
    NEWER,
    OLDER,
    broken,
    chain,
    full_entries,
    holding_chain,
    sealed,
    signature,
    verified,
)
from tests.contracts.tampering import ENTRY_COLUMNS, SEAL_COLUMNS, erase, erase_all, tamper
from tests.stores import SQLITE, Store, open_store

CHANGES: dict[str, Any] = {
    "id": UUID(int=1),
    "at": NOW + 9 * SECOND + MICRO,
    "action": "user.removed",
    "actor": "cli:mallory",
    "api_key_id": UUID(int=2),
    "impersonating": UUID(int=3),
    "subject": "nobody",
    "item": "nothing",
    "fields": ("email",),
    "address": "198.51.100.7",
    "request_id": "R0",
    "proof": f"{'00' * 4}:{'00' * 32}",
}
SEAL_CHANGES: dict[str, Any] = {
    "seal_number": 99,
    "digest": bytes(32),
    "secret_id": "00000000",
    "mac": bytes(32),
}
NULLABLE = [
    column.name
    for column in audit_entries.columns
    if column.nullable and column.name in ENTRY_COLUMNS and column.name != "proof"  # without one it is not sealed
]


def test_there_is_a_change_for_every_column() -> None:
    assert set(CHANGES) == set(ENTRY_COLUMNS) == {field.name for field in fields(Entry)}
    assert set(SEAL_CHANGES) == set(SEAL_COLUMNS)
    assert {*CHANGES, *SEAL_CHANGES} == set(audit_entries.columns.keys())


@pytest.mark.parametrize("place", [0, 2, 5])
@pytest.mark.parametrize("column", ENTRY_COLUMNS)
async def test_a_field_that_was_changed_is_found_at_its_place(store: Store, column: str, place: int) -> None:
    link = (await holding_chain(store))[place]
    await tamper(store, link.entry.id, **{column: CHANGES[column]})
    entry_id = CHANGES["id"] if column == "id" else link.entry.id
    found = await verified(store)
    assert found.broken == [BrokenLink(place + 1, Flaw.TAMPERED, entry_id)]
    assert (found.sealed, found.unsealed) == (6, 0)


@pytest.mark.parametrize("column", NULLABLE)
async def test_a_field_that_was_emptied_or_filled_in_is_found(store: Store, column: str) -> None:
    nothing: dict[str, Any] = {column: None}
    full, bare = full_entries(2)
    bare = signed(replace(bare, **nothing))
    await add_entries(store, full, bare)
    await sealed(store)
    await tamper(store, full.id, **nothing)
    await tamper(store, bare.id, **{column: CHANGES[column]})
    assert await broken(store) == [(1, Flaw.TAMPERED), (2, Flaw.TAMPERED)]


@pytest.mark.parametrize("column", ["subject", "item", "address", "request_id"])
async def test_nothing_and_an_empty_text_are_not_the_same(store: Store, column: str) -> None:
    nothing: dict[str, Any] = {column: None}
    empty_text: dict[str, Any] = {column: ""}
    none, empty = full_entries(2)
    await add_entries(store, signed(replace(none, **nothing)), signed(replace(empty, **empty_text)))
    await sealed(store)
    assert (await verified(store)).is_sound
    await tamper(store, none.id, **empty_text)
    await tamper(store, empty.id, **nothing)
    assert await broken(store) == [(1, Flaw.TAMPERED), (2, Flaw.TAMPERED)]


async def test_a_field_that_moved_to_its_neighbour_is_found(store: Store) -> None:
    link = (await holding_chain(store))[2]
    await tamper(store, link.entry.id, api_key_id=link.entry.impersonating, impersonating=link.entry.api_key_id)
    assert await broken(store) == [(3, Flaw.TAMPERED)]


@pytest.mark.parametrize("place", [0, 2, 5])
@pytest.mark.parametrize(
    ("column", "flaws"),
    [("digest", [Flaw.TAMPERED]), ("mac", [Flaw.FORGED]), ("seal_number", [Flaw.MISSING])],
)
async def test_a_part_of_a_seal_that_was_changed_is_found_at_its_place(
    store: Store, place: int, column: str, flaws: list[Flaw]
) -> None:
    link = (await holding_chain(store))[place]
    await tamper(store, link.entry.id, **{column: SEAL_CHANGES[column]})
    found = await broken(store)
    assert [flaw for number, flaw in found if number == place + 1] == flaws


@pytest.mark.parametrize("place", [0, 2, 5])
async def test_a_seal_under_a_secret_that_nobody_knows_proves_nothing(store: Store, place: int) -> None:
    link = (await holding_chain(store))[place]
    await tamper(store, link.entry.id, secret_id=SEAL_CHANGES["secret_id"])
    found = await verified(store)
    assert (found.unproven, found.broken, found.is_sound) == (1, [], False)


@pytest.mark.parametrize("place", [0, 2, 5])
@pytest.mark.parametrize("column", ["digest", "secret_id", "mac"])
async def test_a_seal_of_which_a_part_was_removed_is_told_and_stops_nobody(
    database: Store, column: str, place: int
) -> None:
    link = (await holding_chain(database))[place]
    await tamper(database, link.entry.id, **{column: None})
    found = await verified(database)
    assert not found.is_sound
    assert found.sealed == 6
    assert [broken.number for broken in found.broken][:1] == ([] if column == "secret_id" else [place + 1])


@pytest.mark.parametrize(
    ("gone", "missing", "unchecked"),
    [
        ([2], [3], [4]),
        ([0], [1], [2]),
        ([0, 1, 2], [1, 2, 3], [4]),
        ([1, 2, 4], [2, 3, 5], [4, 6]),
        ([4], [5], [6]),
    ],
)
async def test_entries_that_were_removed_are_missing(
    store: Store, gone: list[int], missing: list[int], unchecked: list[int]
) -> None:
    links = await holding_chain(store)
    await erase(store, *(links[place].entry.id for place in gone))
    flaws = [(number, Flaw.MISSING) for number in missing] + [(number, Flaw.UNCHECKED) for number in unchecked]
    found = await verified(store)
    assert [(link.number, link.flaw) for link in found.broken] == sorted(flaws, key=lambda flaw: flaw[0])
    assert found.sealed == 6 - len(gone)


async def test_what_was_changed_behind_an_entry_that_was_removed_is_not_passed_over(store: Store) -> None:
    links = await holding_chain(store)
    await erase(store, links[2].entry.id)
    await tamper(store, links[3].entry.id, actor="cli:mallory")
    await tamper(store, links[4].entry.id, actor="cli:mallory")
    found = await verified(store)
    assert found.broken == [
        BrokenLink(3, Flaw.MISSING, None),
        BrokenLink(4, Flaw.FORGED, links[3].entry.id),
        BrokenLink(5, Flaw.TAMPERED, links[4].entry.id),
    ]


async def test_entries_behind_one_that_was_removed_cannot_close_the_gap(store: Store) -> None:
    links = await holding_chain(store)
    await erase(store, links[2].entry.id)
    for link in links[3:]:
        await tamper(store, link.entry.id, seal_number=link.seal.number - 1)
    assert await broken(store) == [(3, Flaw.TAMPERED), (4, Flaw.TAMPERED), (5, Flaw.TAMPERED)]


@pytest.mark.parametrize("cut", [1, 3, 6])
async def test_a_tail_that_was_cut_off_is_missing_to_who_kept_the_head(store: Store, cut: int) -> None:
    links = await holding_chain(store)
    head = (await verified(store)).head
    assert await broken(store, head=head) == []
    await erase(store, *(link.entry.id for link in links[6 - cut :]))
    assert (6, Flaw.MISSING) in await broken(store, head=head)
    assert await broken(store) == []


@pytest.mark.parametrize("cut", [1, 3])
async def test_a_tail_that_was_cut_off_and_grew_again_is_not_the_one_of_the_head(store: Store, cut: int) -> None:
    """The service itself seals what came later, so that only the head can tell."""
    links = await holding_chain(store)
    head = (await verified(store)).head
    await erase(store, *(link.entry.id for link in links[6 - cut :]))
    await add_entries(store, *full_entries(6, since=6))
    await sealed(store)
    assert (6, Flaw.FORGED) in await broken(store, head=head)
    assert await broken(store) == []


async def test_a_chain_that_grew_goes_through_each_of_its_heads(store: Store) -> None:
    heads = [(await verified(store)).head]
    for n in range(4):
        await add_entries(store, *full_entries(2, since=2 * n))
        await sealed(store)
        heads.append((await verified(store)).head)
    for head in heads:
        assert await broken(store, head=head) == []


@pytest.mark.parametrize("number", [1, 3, 6])
async def test_a_chain_does_not_go_through_a_head_of_another_one(store: Store, number: int) -> None:
    await holding_chain(store)
    assert await broken(store, head=f"{number}:{'ab' * 32}") == [(number, Flaw.FORGED)]


@pytest.mark.parametrize(
    "head", ["", ":", "x", "1", "1:", "1:xyz", f":{'00' * 32}", f"-1:{'00' * 32}", "1:00", f"0:{'ab' * 32}"]
)
async def test_what_cannot_be_a_head_is_refused(store: Store, head: str) -> None:
    """Nobody shall think that they compared something."""
    await holding_chain(store, 2)
    with pytest.raises(Invalid) as refused:
        await verified(store, head=head)
    assert refused.value.code == "bad-head"


async def forge(store: Store, links: list[SealedEntry], place: int, forger: TrailSignature, **seal: Any) -> None:
    """One entry is changed, and it and all behind it are sealed anew: every digest is right. `seal` overrides parts."""
    digest = links[place - 1].seal.digest if place else BEGINNING
    for link in links[place:]:
        entry = replace(link.entry, actor="cli:mallory") if link is links[place] else link.entry
        digest = chained(digest, link.seal.number, entry)
        secret_id, mac = forger.sign(digest)
        parts = {"actor": entry.actor, "digest": digest, "secret_id": secret_id, "mac": mac, **seal}
        await tamper(store, entry.id, **parts)


@pytest.mark.parametrize("place", [0, 3, 5])
async def test_a_forged_chain_that_claims_the_secret_of_this_installation_is_found(store: Store, place: int) -> None:
    links = await holding_chain(store)
    await forge(store, links, place, signature(FORGERS), secret_id=links[0].seal.secret_id)
    assert await broken(store) == [(number, Flaw.FORGED) for number in range(place + 1, 7)]


@pytest.mark.parametrize("place", [0, 3, 5])
async def test_a_forged_chain_that_kept_the_signatures_is_found(store: Store, place: int) -> None:
    links = await holding_chain(store)
    for link in links[place:]:
        await tamper(store, link.entry.id, subject="nobody")
    digest = links[place - 1].seal.digest if place else BEGINNING
    for link in await chain(store):
        if link.seal.number > place:
            digest = chained(digest, link.seal.number, link.entry)
            await tamper(store, link.entry.id, digest=digest)
    assert await broken(store) == [(number, Flaw.FORGED) for number in range(place + 1, 7)]


@pytest.mark.parametrize("place", [0, 3, 5])
async def test_a_forged_chain_under_a_secret_that_nobody_knows_is_not_proved(store: Store, place: int) -> None:
    """Who has no secret names one that could have been forgotten, so that nobody can compare the signatures."""
    links = await holding_chain(store)
    head = (await verified(store)).head
    await forge(store, links, place, signature(FORGERS))
    found = await verified(store)
    assert (found.unproven, found.is_sound) == (6 - place, False)
    assert (6, Flaw.FORGED) in await broken(store, head=head)
    assert not (await verified(store, head=head)).is_sound


@pytest.mark.parametrize("place", [0, 3, 5])
async def test_a_forged_chain_does_not_become_right_by_what_is_sealed_behind_it(store: Store, place: int) -> None:
    links = await holding_chain(store)
    await forge(store, links, place, signature(FORGERS))
    await add_entries(store, *full_entries(2, since=6))
    await sealed(store)
    found = await verified(store)
    assert (found.sealed, found.unproven, found.is_sound) == (8, 6 - place, False)


async def test_nothing_is_sealed_behind_a_seal_that_is_forged(store: Store) -> None:
    links = await holding_chain(store)
    await forge(store, links, 5, signature(FORGERS), secret_id=links[0].seal.secret_id)
    await add_entries(store, *full_entries(2, since=6))
    with pytest.raises(Conflict) as refused:
        await sealed(store)
    assert refused.value.code == "audit-chain-forged"
    found = await verified(store)
    assert (found.sealed, found.unsealed) == (6, 2)


async def test_a_forged_beginning_under_a_forgotten_secret_does_not_fit_to_what_follows(store: Store) -> None:
    links = await holding_chain(store)
    await forge(store, links[:3], 1, signature(FORGERS))
    assert (4, Flaw.TAMPERED) in await broken(store)


async def test_two_entries_that_swapped_their_contents_are_found(store: Store) -> None:
    links = await holding_chain(store)
    first, second = links[1].entry, links[3].entry
    contents = [name for name in ENTRY_COLUMNS if name != "id"]
    await tamper(store, first.id, **{name: getattr(second, name) for name in contents})
    await tamper(store, second.id, **{name: getattr(first, name) for name in contents})
    assert await broken(store) == [(2, Flaw.TAMPERED), (4, Flaw.TAMPERED)]


@pytest.mark.parametrize(("one", "other"), [(1, 3), (0, 5), (2, 3)])
async def test_two_entries_that_swapped_their_seals_are_found(store: Store, one: int, other: int) -> None:
    links = await holding_chain(store)
    first, second = links[one], links[other]
    await tamper(store, first.entry.id, seal_number=1_000)
    for link, theirs in ((second, first), (first, second)):
        seal = theirs.seal
        await tamper(
            store,
            link.entry.id,
            seal_number=seal.number,
            digest=seal.digest,
            secret_id=seal.secret_id,
            mac=seal.mac,
        )
    assert await broken(store) == [(one + 1, Flaw.TAMPERED), (other + 1, Flaw.TAMPERED)]


async def test_two_entries_that_swapped_only_their_numbers_are_found(store: Store) -> None:
    links = await holding_chain(store)
    await tamper(store, links[1].entry.id, seal_number=1_000)
    await tamper(store, links[2].entry.id, seal_number=2)
    await tamper(store, links[1].entry.id, seal_number=3)
    found = await broken(store)
    assert {(2, Flaw.TAMPERED), (3, Flaw.TAMPERED)} <= set(found)


async def test_flaws_at_several_places_are_all_told(store: Store) -> None:
    links = await holding_chain(store)
    await tamper(store, links[0].entry.id, actor="cli:mallory")
    await erase(store, links[2].entry.id)
    await tamper(store, links[5].entry.id, mac=bytes(32))
    assert await broken(store) == [
        (1, Flaw.TAMPERED),
        (3, Flaw.MISSING),
        (4, Flaw.UNCHECKED),
        (6, Flaw.FORGED),
    ]


async def test_flaws_behind_the_first_hundreds_of_entries_are_found(database: Store) -> None:
    """The chain is read in parts, and a part may end just before a gap or behind it."""
    links = await holding_chain(database, 2 * AT_ONCE + 2)
    await erase(database, links[AT_ONCE - 1].entry.id, links[2 * AT_ONCE].entry.id)
    await tamper(database, links[AT_ONCE + 1].entry.id, actor="cli:mallory")
    assert await broken(database) == [
        (AT_ONCE, Flaw.MISSING),
        (AT_ONCE + 1, Flaw.UNCHECKED),
        (AT_ONCE + 2, Flaw.TAMPERED),
        (2 * AT_ONCE + 1, Flaw.MISSING),
        (2 * AT_ONCE + 2, Flaw.UNCHECKED),
    ]


async def test_a_trail_that_was_emptied_is_missing_to_who_kept_the_head(store: Store) -> None:
    await holding_chain(store)
    head = (await verified(store)).head
    await erase_all(store)
    assert await broken(store, head=head) == [(6, Flaw.MISSING)]


async def test_a_chain_goes_on_under_a_new_secret(store: Store) -> None:
    await add_entries(store, *full_entries(2, secret=OLDER))
    await sealed(store, OLDER)
    await add_entries(store, *full_entries(2, since=2, secret=NEWER))
    await sealed(store, NEWER, OLDER)
    links = await chain(store)
    assert len({link.seal.secret_id for link in links[:2]}) == 1
    assert len({link.seal.secret_id for link in links}) == 2
    assert (await verified(store, NEWER, OLDER)).is_sound
    assert (await verified(store, OLDER, NEWER)).is_sound


async def test_what_was_sealed_under_a_secret_that_is_forgotten_is_unproven_until_a_head_vouches_for_it(
    store: Store,
) -> None:
    await add_entries(store, *full_entries(2, secret=OLDER))
    await sealed(store, OLDER)
    head = (await verified(store, OLDER)).head
    await add_entries(store, *full_entries(2, since=2, secret=NEWER))
    await sealed(store, NEWER, OLDER)
    found = await verified(store, NEWER)
    assert (found.unproven, found.broken, found.is_sound) == (2, [], False)
    assert (await verified(store, NEWER, head=head)).is_sound
    await tamper(store, (await chain(store))[0].entry.id, actor="cli:mallory")
    assert await broken(store, NEWER, head=head) == [(1, Flaw.TAMPERED)]


async def test_a_seal_of_the_previous_secret_that_was_forged_is_found(store: Store) -> None:
    await add_entries(store, *full_entries(2, secret=OLDER))
    await sealed(store, OLDER)
    await tamper(store, (await chain(store))[1].entry.id, mac=bytes(32))
    assert await broken(store, NEWER, OLDER) == [(2, Flaw.FORGED)]


async def test_a_chain_of_which_no_secret_is_known_is_not_taken_at_its_word(store: Store) -> None:
    await holding_chain(store)
    found = await verified(store, NEWER)
    assert (found.unproven, found.is_sound) == (6, False)


async def test_a_head_vouches_for_nothing_that_came_behind_it(store: Store) -> None:
    await holding_chain(store, 3)
    head = (await verified(store)).head
    await add_entries(store, *full_entries(3, since=3))
    await sealed(store)
    links = await chain(store)
    await forge(store, links, 4, signature(FORGERS))
    assert (await verified(store, head=head)).unproven == 2


async def unseal(store: Store, *entry_ids: UUID) -> None:
    """As if they had never been sealed."""
    if store.engine is None:
        assert isinstance(store.audit, MemoryAuditQueries)
        for entry_id in entry_ids:
            del store.audit._database.seals[entry_id]
        return
    nothing: dict[str, Any] = dict.fromkeys(SEAL_COLUMNS)
    for entry_id in entry_ids:
        await tamper(store, entry_id, **nothing)


async def test_an_entry_that_was_changed_and_unsealed_is_not_sealed_again(store: Store) -> None:
    """Else the sealer itself would vouch for the change."""
    links = await holding_chain(store)
    await tamper(store, links[2].entry.id, actor="cli:mallory")
    await unseal(store, *(link.entry.id for link in links[1:]))
    assert await sealed(store) == 4
    found = await verified(store)
    assert (found.sealed, found.unsealed) == (5, 1)
    assert found.broken == [BrokenLink(None, Flaw.FORGED, links[2].entry.id)]


@pytest.mark.parametrize("proof", [None, "", "none", f"00000000:{'00' * 32}", ":00"])
async def test_an_entry_that_somebody_else_wrote_is_never_sealed(store: Store, proof: str | None) -> None:
    await holding_chain(store, 2)
    [false, true] = full_entries(2, since=2)
    await add_entries(store, replace(false, proof=proof), true)
    for _ in range(2):
        await sealed(store)
    assert [link.entry for link in await chain(store)][2:] == [true]
    found = await verified(store)
    assert (found.unsealed, found.is_sound) == (1, False)
    assert found.broken == ([] if found.unproven else [BrokenLink(None, Flaw.FORGED, false.id)])


async def test_many_forged_entries_do_not_keep_the_true_ones_from_being_sealed(store: Store) -> None:
    entries = full_entries(AT_ONCE + 2)
    await add_entries(store, *(replace(entry, proof=None) for entry in entries[:-1]), entries[-1])
    assert await sealed(store) == 1
    assert [link.entry for link in await chain(store)] == [entries[-1]]


@pytest.mark.parametrize("number", [0, -1, -(2**63)])
async def test_an_entry_that_was_moved_out_of_the_chain_is_found(store: Store, number: int) -> None:
    links = await holding_chain(store)
    await tamper(store, links[5].entry.id, seal_number=number)
    assert await broken(store) == [(5, Flaw.SURPLUS)]


async def test_a_number_that_is_none_is_found(tmp_path: Path) -> None:
    """SQLite stores any text as a number."""
    async with open_store(SQLITE, tmp_path) as store:
        links = await holding_chain(store)
        assert store.engine is not None
        async with store.engine.connect() as connection:
            await connection.exec_driver_sql("UPDATE audit_entries SET seal_number = 'six' WHERE seal_number = 6")
        assert await broken(store) == [(-1, Flaw.FORGED)]
        await add_entries(store, *full_entries(1, since=6))
        with pytest.raises(Conflict):
            await sealed(store)
        assert len(links) == 6


async def test_a_seal_is_good_at_its_own_place_alone(store: Store) -> None:
    links = await holding_chain(store)
    await tamper(store, links[5].entry.id, seal_number=2**63 - 1)
    assert not (await verified(store)).is_sound
    await add_entries(store, *full_entries(1, since=6))
    with pytest.raises(Conflict):
        await sealed(store)
