"""Roles: made, changed and removed while the service runs; what they allow counts at the next read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from application.access.views import RoleView, shown_role
from application.identity.views import UserFilters, shown
from application.paging import Position, Row
from domain.access.roles import ADMIN, BUILT_IN_ROLES, MEMBER, Role
from domain.errors import Conflict
from domain.identity.user import User
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_role,
    a_session,
    a_user,
    add,
    add_api_keys,
    add_roles,
    an_api_key,
    examples,
    remove,
    stored,
)
from tests.contracts.test_text_and_time import HOSTILE
from tests.stores import Store

FULL = a_role(
    "Editor_1-x",
    "users:*",
    "audit:read",
    description="May edit.",
    created_at=NOW + SECOND,
    updated_at=NOW + 2 * SECOND,
    version=7,
)
BARE = a_role("0")

names = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,4})?", fullmatch=True)
patterns = st.just("*") | st.builds("{}:{}".format, names, st.just("*") | names)


async def loaded(store: Store, name: str) -> Role | None:
    async with store.transactions.begin() as uow:
        return await uow.roles.get(name)


async def every_role(store: Store) -> Sequence[Role]:
    async with store.transactions.begin() as uow:
        return await uow.roles.all()


async def remove_roles(store: Store, *roles: Role) -> None:
    async with store.transactions.begin() as uow:
        for role in roles:
            await uow.roles.remove(role.name, NOW)


@asynccontextmanager
async def holding(store: Store, *roles: Role) -> AsyncIterator[None]:
    """The roles are stored while the block lasts: examples of one test share a store."""
    await add_roles(store, *roles)
    try:
        yield
    finally:
        await remove_roles(store, *roles)


async def all_rows(store: Store) -> list[Row[RoleView]]:
    return await store.access.roles(after=None, offset=0, limit=1000)


async def permissions_in_both_ways(store: Store, user: User) -> frozenset[str]:
    """What the user may do as one who is signed in, and as the owner of a key; the test fails where they differ."""
    session, key = a_session(user), an_api_key(user)
    async with store.transactions.begin() as uow:
        await uow.sessions.add(session)
        await uow.api_keys.add(key)
    signed_in = await store.queries.signed_in(session.id, NOW)
    holder = await store.access.key_holder(key.digest, NOW)
    assert signed_in is not None
    assert holder is not None
    assert signed_in.permissions == holder.held
    return signed_in.permissions


async def test_built_in_roles_are_there_from_the_beginning(store: Store) -> None:
    assert await every_role(store) == sorted(BUILT_IN_ROLES, key=lambda role: role.name)
    for role in BUILT_IN_ROLES:
        assert await loaded(store, role.name) == role
        assert await store.access.role(role.name) == shown_role(role)
        assert shown_role(role).value.is_built_in


async def test_every_field_comes_back(store: Store) -> None:
    for role in (FULL, BARE):
        await add_roles(store, role)
        assert await loaded(store, role.name) == role
        assert await store.access.role(role.name) == shown_role(role)


async def test_every_field_is_saved(store: Store) -> None:
    role = a_role("editor", "users:read", description="Before")
    await add_roles(store, role)
    for wanted in (
        replace(FULL, id=role.id, name="editor", created_at=role.created_at, version=1),
        replace(BARE, id=role.id, name="editor", created_at=role.created_at, version=2),
    ):
        async with store.transactions.begin() as uow:
            saved = await uow.roles.save(wanted)
            assert await uow.roles.get("editor") == saved
        assert saved == replace(wanted, version=wanted.version + 1)
        assert await loaded(store, "editor") == saved
        assert await store.access.role("editor") == shown_role(saved)


async def test_a_built_in_role_can_be_saved_too(store: Store) -> None:
    async with store.transactions.begin() as uow:
        member = await uow.roles.get(MEMBER)
        assert member is not None
        saved = await uow.roles.save(member.changed(NOW, permissions=frozenset({"users:read"})))
    assert saved.version == 2
    assert await loaded(store, MEMBER) == saved
    assert await loaded(store, ADMIN) == BUILT_IN_ROLES[0]


async def test_all_are_in_the_order_of_their_names_by_code_point(store: Store) -> None:
    roles = [a_role(name) for name in ("b", "B", "a-b", "a_b", "ab", "Z", "9", "z")]
    await add_roles(store, *roles)
    assert await every_role(store) == sorted([*roles, *BUILT_IN_ROLES], key=lambda role: role.name)


@examples
@given(st.frozensets(patterns, max_size=12))
async def test_permissions_come_back_as_they_went_in(store: Store, permissions: frozenset[str]) -> None:
    role = a_role("editor", *permissions)
    async with holding(store, role):
        shown_now = await store.access.role("editor")
        assert await loaded(store, "editor") == role
        assert shown_now is not None
        assert shown_now.value.permissions == tuple(sorted(permissions))


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_description_comes_back_as_it_went_in(store: Store, text: str) -> None:
    role = a_role(description=text)
    await add_roles(store, role)
    assert await loaded(store, role.name) == role
    assert await store.access.role(role.name) == shown_role(role)
    assert len(await every_role(store)) == 3


async def test_a_name_is_taken_once(store: Store) -> None:
    first = a_role("editor", "users:read")
    await add_roles(store, first)
    for name in ("editor", ADMIN, MEMBER):
        with pytest.raises(Conflict) as refused:
            await add_roles(store, a_role(name, "*"))
        assert refused.value.code == "role-taken"
    assert await every_role(store) == [BUILT_IN_ROLES[0], first, BUILT_IN_ROLES[1]]


async def test_of_roles_of_one_name_that_come_together_exactly_one_is_stored(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(add_roles(store, a_role("editor", f"n{'x' * n}:read")) for n in range(5)), return_exceptions=True
    )
    assert sorted(outcome.code if isinstance(outcome, Conflict) else str(outcome) for outcome in outcomes) == [
        "None",
        *["role-taken"] * 4,
    ]
    assert len(await every_role(store)) == 3


async def test_after_a_taken_name_nothing_is_committed_even_if_somebody_caught_it(store: Store) -> None:
    async def add_both() -> None:
        async with store.transactions.begin() as uow:
            await uow.roles.add(a_role("editor"))
            with suppress(Conflict):
                await uow.roles.add(a_role(ADMIN))

    with pytest.raises(Conflict) as refused:
        await add_both()
    assert refused.value.code == "role-taken"
    assert await store.access.role("editor") is None


async def test_an_id_is_taken_once(store: Store) -> None:
    """Ids are made by chance, so that this is a bug, which is not overlooked."""
    role = a_role("editor")
    await add_roles(store, role)
    with pytest.raises((IntegrityError, LookupError)):
        await add_roles(store, replace(role, name="other"))
    assert await store.access.role("other") is None


async def test_names_are_compared_exactly(store: Store) -> None:
    await add_roles(store, a_role("Editor_1"))
    for name in ("editor_1", "Editor-1", "Editor_1 ", "Editor", "%", "Editor%", "", "' OR 1=1 --"):
        assert await store.access.role(name) is None
        assert await loaded(store, name) is None


@pytest.mark.parametrize("name", ["\0", "editor\0", "\ud800", "a\udfffb"])
async def test_a_name_that_no_store_can_hold_finds_no_role(store: Store, name: str) -> None:
    """Names come out of addresses of requests as they are."""
    await add_roles(store, a_role("editor"))
    assert await store.access.role(name) is None
    async with store.transactions.begin() as uow:
        assert await uow.roles.get(name) is None
    async with store.transactions.begin() as uow:
        assert await uow.roles.remove(name, NOW) == 0


@pytest.mark.parametrize("version", [1, 3])
async def test_only_the_version_that_is_stored_can_be_saved(store: Store, version: int) -> None:
    role = a_role("editor")
    await add_roles(store, role)
    async with store.transactions.begin() as uow:
        saved = await uow.roles.save(role)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.roles.save(replace(role, version=version, permissions=frozenset({"*"})))
    assert refused.value.code == "changed-meanwhile"
    assert await loaded(store, "editor") == saved


async def test_a_role_that_vanished_cannot_be_saved(store: Store) -> None:
    role = a_role("editor")
    await add_roles(store, role)
    await remove_roles(store, role)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.roles.save(role)
    assert refused.value.code == "changed-meanwhile"
    assert await loaded(store, "editor") is None


async def test_a_role_that_was_made_anew_under_the_same_name_is_another_one(store: Store) -> None:
    role, heir = a_role("editor", "users:read"), a_role("editor", "audit:read")
    await add_roles(store, role)
    await remove_roles(store, role)
    await add_roles(store, heir)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.roles.save(role)
    assert refused.value.code == "changed-meanwhile"
    assert await loaded(store, "editor") == heir


async def test_after_a_stale_save_nothing_is_committed_even_if_somebody_caught_it(store: Store) -> None:
    role = a_role("editor")
    await add_roles(store, role)

    async def add_and_save() -> None:
        async with store.transactions.begin() as uow:
            await uow.roles.add(a_role("other"))
            with suppress(Conflict):
                await uow.roles.save(replace(role, version=9))

    with pytest.raises(Conflict):
        await add_and_save()
    assert await store.access.role("other") is None


async def test_concurrent_changes_of_one_role_all_count(store: Store) -> None:
    await add_roles(store, a_role("editor"))

    async def allow(permission: str) -> None:
        async with store.transactions.begin() as uow:
            role = await uow.roles.get("editor")
            assert role is not None
            await asyncio.sleep(0)
            await uow.roles.save(role.changed(NOW, permissions=role.permissions | {permission}))

    wanted = [f"thing:{letter}" for letter in "abcdefghijkl"]
    await asyncio.gather(*(allow(permission) for permission in wanted))
    changed = await loaded(store, "editor")
    assert changed is not None
    assert (changed.permissions, changed.version) == (frozenset(wanted), 13)


async def test_a_forgotten_save_changes_nothing(store: Store) -> None:
    role = a_role("editor")
    await add_roles(store, role)
    async with store.transactions.begin() as uow:
        found = await uow.roles.get("editor")
        assert found is not None
        found.changed(NOW + SECOND, permissions=frozenset({"*"}))
    assert await loaded(store, "editor") == role


async def test_an_exception_rolls_everything_back(store: Store) -> None:
    kept, changed = a_role("kept", "users:read"), a_role("changed")
    holder = a_user(roles=frozenset({"kept"}))
    await add_roles(store, kept, changed)
    await add(store, holder)

    async def change_and_fail() -> None:
        async with store.transactions.begin() as uow:
            await uow.roles.add(a_role("new"))
            await uow.roles.save(replace(changed, permissions=frozenset({"*"})))
            assert await uow.roles.remove("kept", NOW + SECOND) == 1
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert await every_role(store) == sorted([*BUILT_IN_ROLES, kept, changed], key=lambda role: role.name)
    assert await stored(store, holder.id) == holder
    assert await permissions_in_both_ways(store, holder) == {"users:read"}


async def test_readers_see_nothing_that_is_not_committed(store: Store) -> None:
    role = a_role("editor", "users:read")
    async with store.transactions.begin() as uow:
        await uow.roles.add(role)
        assert await uow.roles.get("editor") == role
        assert role in await uow.roles.all()
        assert await store.access.role("editor") is None
        assert await store.access.count_roles() == 2
    assert await store.access.role("editor") == shown_role(role)


async def test_a_role_that_is_removed_is_taken_from_all_who_have_it(store: Store) -> None:
    role, other = a_role("editor", "users:read"), a_role("other", "audit:read")
    await add_roles(store, role, other)
    only = a_user("only", roles=frozenset({"editor"}))
    both = a_user("both", roles=frozenset({"editor", "other", MEMBER}), is_active=False, version=4, first_name="Ada")
    stranger = a_user("stranger", roles=frozenset({"other"}))
    nobody = a_user("nobody", roles=frozenset())
    await add(store, only, both, stranger, nobody)

    async with store.transactions.begin() as uow:
        assert await uow.roles.remove("editor", NOW + SECOND) == 2
        assert await uow.roles.get("editor") is None

    assert await stored(store, only.id) == replace(only, roles=frozenset(), updated_at=NOW + SECOND, version=2)
    assert await stored(store, both.id) == replace(
        both, roles=frozenset({"other", MEMBER}), updated_at=NOW + SECOND, version=5
    )
    assert await stored(store, stranger.id) == stranger
    assert await stored(store, nobody.id) == nobody
    assert await loaded(store, "other") == other
    assert await store.access.role("editor") is None
    assert await store.queries.count_users(UserFilters(role="editor")) == 0
    assert await store.queries.count_users(UserFilters(role="other")) == 2


async def test_a_role_that_nobody_has_is_removed_from_nobody(store: Store) -> None:
    await add_roles(store, a_role("editor"))
    user = a_user()
    await add(store, user)
    async with store.transactions.begin() as uow:
        assert await uow.roles.remove("editor", NOW + SECOND) == 0
        assert await uow.roles.remove("editor", NOW + SECOND) == 0
        assert await uow.roles.remove("never-was", NOW + SECOND) == 0
    assert await stored(store, user.id) == user
    assert await every_role(store) == list(BUILT_IN_ROLES)


async def test_a_role_that_comes_again_finds_none_of_those_who_had_it(store: Store) -> None:
    user = a_user(roles=frozenset({"editor"}))
    await add_roles(store, a_role("editor", "users:read"))
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.roles.remove("editor", NOW)
        await uow.roles.add(a_role("editor", "*"))
    found = await stored(store, user.id)
    assert found is not None
    assert found.roles == frozenset()
    assert await permissions_in_both_ways(store, user) == frozenset()


async def test_an_account_is_seen_without_the_role_in_the_same_unit_of_work(store: Store) -> None:
    user = a_user(roles=frozenset({"editor", MEMBER}))
    await add_roles(store, a_role("editor"))
    await add(store, user)
    async with store.transactions.begin() as uow:
        assert await uow.users.get(user.id) == user
        await uow.roles.remove("editor", NOW + SECOND)
        found = await uow.users.get(user.id)
        assert found == replace(user, roles=frozenset({MEMBER}), updated_at=NOW + SECOND, version=2)
        saved = await uow.users.save(replace(found, first_name="Ada"))
    assert await stored(store, user.id) == saved


async def test_who_read_an_account_before_its_role_went_cannot_save_it(store: Store) -> None:
    user = a_user(roles=frozenset({"editor"}))
    await add_roles(store, a_role("editor"))
    await add(store, user)
    async with store.transactions.begin() as uow:
        await uow.roles.remove("editor", NOW + SECOND)
    with pytest.raises(Conflict) as refused:
        async with store.transactions.begin() as uow:
            await uow.users.save(replace(user, first_name="Ada"))
    assert refused.value.code == "changed-meanwhile"


async def test_no_change_of_an_account_is_lost_while_its_role_goes(store: Store) -> None:
    users = [a_user(f"user{n}", first_name="0", roles=frozenset({"editor"})) for n in range(4)]
    await add_roles(store, a_role("editor"))
    await add(store, *users)

    async def count_up(user: User) -> None:
        async with store.transactions.begin() as uow:
            found = await uow.users.get(user.id)
            assert found is not None
            await asyncio.sleep(0)
            await uow.users.save(replace(found, first_name=str(int(found.first_name or "") + 1)))

    async def take_away() -> None:
        async with store.transactions.begin() as uow:
            assert await uow.roles.remove("editor", NOW) == 4

    counts = [count_up(user) for user in users for _ in range(3)]
    await asyncio.gather(*counts[:6], take_away(), *counts[6:])
    for user in users:
        assert await stored(store, user.id) == replace(user, first_name="3", roles=frozenset(), version=5)


times = st.integers(0, 2).map(lambda n: NOW + timedelta(microseconds=n))
"""Few, so that there are many ties."""


@examples
@given(st.lists(times, max_size=10), st.integers(1, 4))
async def test_pages_of_both_kinds_together_are_all_roles_newest_first(
    store: Store, made: list[object], size: int
) -> None:
    roles = [a_role(f"role{n}", "users:read", created_at=moment) for n, moment in enumerate(made)]
    in_order = sorted([*roles, *BUILT_IN_ROLES], key=lambda role: (role.created_at, role.id), reverse=True)
    expected = [Row(Position(role.created_at, role.id), RoleView.of(role)) for role in in_order]
    async with holding(store, *roles):
        followed: list[Row[RoleView]] = []
        after: Position | None = None
        while rows := await store.access.roles(after=after, offset=0, limit=size):
            followed += rows
            after = rows[-1].position
        numbered: list[Row[RoleView]] = []
        while rows := await store.access.roles(after=None, offset=len(numbered), limit=size):
            numbered += rows
        total = await store.access.count_roles()
    assert followed == expected
    assert numbered == expected
    assert total == len(expected)


async def test_a_page_begins_behind_a_position_even_where_no_role_stands_there(store: Store) -> None:
    await add_roles(store, *(a_role(f"role{n}", created_at=NOW + n * SECOND) for n in (0, 2, 4)))
    rows = await store.access.roles(after=Position(NOW + 3 * SECOND, a_role().id), offset=0, limit=2)
    assert [row.value.name for row in rows] == ["role2", "role0"]


@pytest.mark.parametrize(
    ("roles", "permissions"),
    [
        ((), set()),
        ((MEMBER,), set()),
        ((ADMIN,), {"*"}),
        (("reader",), {"users:read", "audit:read"}),
        (("reader", "writer"), {"users:read", "audit:read", "users:update"}),
        (("reader", "writer", MEMBER, "empty"), {"users:read", "audit:read", "users:update"}),
        (("no-such-role",), set()),
        (("no-such-role", "writer"), {"users:read", "users:update"}),
        (("Reader", "reade", "reader-"), set()),
        ((ADMIN, "reader"), {"*", "users:read", "audit:read"}),
    ],
)
async def test_a_user_may_what_all_roles_together_allow_and_no_more(
    store: Store, roles: tuple[str, ...], permissions: set[str]
) -> None:
    await add_roles(
        store,
        a_role("reader", "users:read", "audit:read"),
        a_role("writer", "users:read", "users:update"),
        a_role("empty"),
        a_role("unheld", "sessions:*"),
    )
    user = a_user(roles=frozenset(roles))
    await add(store, user, a_user("other", roles=frozenset({"unheld"})))
    assert await permissions_in_both_ways(store, user) == permissions


async def test_who_is_found_by_a_session_or_a_key_has_the_names_of_all_roles(store: Store) -> None:
    await add_roles(store, a_role("reader", "users:read", "audit:*"))
    user = a_user(roles=frozenset({"reader", MEMBER, "no-such-role"}))
    session, key = a_session(user), an_api_key(user)
    await add(store, user, sessions=[session])
    await add_api_keys(store, key)
    signed_in = await store.queries.signed_in(session.id, NOW)
    holder = await store.access.key_holder(key.digest, NOW)
    assert signed_in is not None
    assert holder is not None
    assert signed_in.user == holder.user == shown(user)
    assert signed_in.user.value.roles == (MEMBER, "no-such-role", "reader")


async def test_what_changes_in_a_role_counts_at_the_next_read(store: Store) -> None:
    role = a_role("editor", "users:read")
    user = a_user(roles=frozenset({"editor"}))
    await add_roles(store, role)
    await add(store, user)
    assert await permissions_in_both_ways(store, user) == {"users:read"}
    async with store.transactions.begin() as uow:
        saved = await uow.roles.save(replace(role, permissions=frozenset({"users:*", "audit:read"})))
    assert await permissions_in_both_ways(store, user) == {"users:*", "audit:read"}
    async with store.transactions.begin() as uow:
        await uow.roles.save(replace(saved, permissions=frozenset()))
    assert await permissions_in_both_ways(store, user) == frozenset()
    await remove_roles(store, role)
    await add_roles(store, a_role("editor", "*"))
    assert await permissions_in_both_ways(store, user) == frozenset()


async def test_what_a_user_is_given_or_loses_counts_at_the_next_read(store: Store) -> None:
    await add_roles(store, a_role("editor", "users:read"))
    user = a_user(roles=frozenset())
    await add(store, user)
    for roles, permissions in ((frozenset({"editor"}), {"users:read"}), (frozenset({MEMBER}), set())):
        async with store.transactions.begin() as uow:
            found = await uow.users.get(user.id)
            assert found is not None
            await uow.users.save(replace(found, roles=roles))
        assert await permissions_in_both_ways(store, user) == permissions


@examples
@given(st.lists(st.frozensets(patterns, max_size=5), max_size=4))
async def test_the_permissions_of_all_roles_are_united(store: Store, each: list[frozenset[str]]) -> None:
    roles = [a_role(f"role{n}", *permissions) for n, permissions in enumerate(each)]
    user = a_user(roles=frozenset(role.name for role in roles))
    async with holding(store, *roles):
        await add(store, user)
        assert await permissions_in_both_ways(store, user) == frozenset().union(*each)
        await remove(store, user)
