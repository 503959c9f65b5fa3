"""The list of users: in order, filtered, in pages that fit together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.identity.views import USER_SORTS, UserFilters, UserView
from application.paging import Position, Row, Sort, SortValue
from domain.identity.email import EmailAddress
from domain.identity.user import User
from domain.text import words
from tests.contracts.builders import NOW, a_user, add, examples, remove
from tests.stores import Store

EVERYBODY = UserFilters()
BY_EMAIL = Sort("email", descending=False)

VALUES: dict[str, Callable[[User], SortValue]] = {
    "created_at": lambda user: user.created_at,
    "updated_at": lambda user: user.updated_at,
    "email": lambda user: user.email.key,
    "username": lambda user: user.username_key or "",
}


@asynccontextmanager
async def holding(store: Store, users: Sequence[User]) -> AsyncIterator[None]:
    """The users are stored while the block lasts: examples of one test share a store."""
    await add(store, *users)
    try:
        yield
    finally:
        await remove(store, *users)


async def all_rows(store: Store, filters: UserFilters = EVERYBODY, sort: Sort = BY_EMAIL) -> list[Row[UserView]]:
    return await store.queries.users(filters, sort, after=None, offset=0, limit=1000)


async def emails(store: Store, filters: UserFilters = EVERYBODY, sort: Sort = BY_EMAIL) -> list[str]:
    return [row.value.email for row in await all_rows(store, filters, sort)]


def in_order(users: Sequence[User], sort: Sort) -> list[Row[UserView]]:
    """What a store has to answer."""
    rows = [Row(Position(VALUES[sort.field](user), user.id), UserView.of(user)) for user in users]
    return sorted(rows, key=lambda row: (row.position.value, row.position.id), reverse=sort.descending)


def matches(user: User, filters: UserFilters) -> bool:
    return (
        (filters.role is None or filters.role in user.roles)
        and (filters.is_active is None or user.is_active == filters.is_active)
        and (filters.is_verified is None or user.is_verified == filters.is_verified)
        and (filters.q is None or all(f" {word}" in user.search_text for word in words(filters.q)))
    )


maybe = st.none() | st.booleans()
times = st.integers(0, 2).map(lambda n: NOW + timedelta(microseconds=n))
"""Few, so that there are many ties."""

letters = st.text("aAbBzZ_09", min_size=3, max_size=4)
users = st.lists(
    st.builds(
        lambda n, **fields: a_user(f"user{n}", email=EmailAddress(f"{n}@x.org", f"{n}@x.org"), **fields),
        st.text("aäßz0é😀", min_size=1, max_size=3),
        username=st.none() | letters,
        first_name=st.none() | st.sampled_from(["Ada", "Älfrun", "Bo", "ada"]),
        created_at=times,
        updated_at=times,
        is_active=st.booleans(),
        is_verified=st.booleans(),
        roles=st.frozensets(st.sampled_from(["admin", "member"])),
    ),
    max_size=12,
    unique_by=(lambda user: user.email.key, lambda user: user.username_key or user.id),
)
filters = st.builds(
    UserFilters,
    role=st.none() | st.sampled_from(["admin", "member", "no such role"]),
    is_active=maybe,
    is_verified=maybe,
    q=st.none() | st.sampled_from(["a", "ada", "ÄLF", "x"]),
)
sorts = st.builds(Sort, st.sampled_from(USER_SORTS), st.booleans())


@examples
@given(users, filters, sorts, st.integers(1, 4))
async def test_pages_of_both_kinds_together_are_the_sorted_whole(
    store: Store, everybody: list[User], filters: UserFilters, sort: Sort, size: int
) -> None:
    expected = in_order([user for user in everybody if matches(user, filters)], sort)
    async with holding(store, everybody):
        followed: list[Row[UserView]] = []
        after: Position | None = None
        while rows := await store.queries.users(filters, sort, after=after, offset=0, limit=size):
            followed += rows
            after = rows[-1].position
        numbered: list[Row[UserView]] = []
        while rows := await store.queries.users(filters, sort, after=None, offset=len(numbered), limit=size):
            numbered += rows
        total = await store.queries.count_users(filters)
    assert followed == expected
    assert numbered == expected
    assert total == len(expected)


@pytest.mark.parametrize("descending", [False, True])
async def test_ties_are_ordered_by_id_in_the_same_direction(store: Store, descending: bool) -> None:
    twins = [a_user(f"user{n}") for n in range(7)]
    await add(store, *twins)
    for field in ("created_at", "updated_at", "username"):
        rows = await all_rows(store, sort=Sort(field, descending))
        assert [row.position.id for row in rows] == sorted((user.id for user in twins), reverse=descending)


async def test_text_sorts_by_code_point_on_every_store(store: Store) -> None:
    names = ["A", "Z", "_", "a", "b", "z", "Ä", "ß", "é", "ﬀ", "😀", "a-b", "a_b", "ab", "aé", "日本"]
    await add(store, *(a_user(email=EmailAddress(name, name)) for name in names))
    assert await emails(store) == sorted(names)
    assert await emails(store, sort=Sort("email", descending=True)) == sorted(names, reverse=True)


async def test_usernames_sort_without_regard_to_case_and_none_comes_first(store: Store) -> None:
    names = ["Zoe", "adam", "Bob", "_x_", "b0b", None]
    await add(store, *(a_user(f"user{n}", username=name) for n, name in enumerate(names)))
    rows = await all_rows(store, sort=Sort("username", descending=False))
    assert [row.value.username for row in rows] == [None, "_x_", "adam", "b0b", "Bob", "Zoe"]
    assert [row.position.value for row in rows] == ["", "_x_", "adam", "b0b", "bob", "zoe"]


async def test_a_page_begins_behind_a_position_even_where_nobody_stands_there(store: Store) -> None:
    await add(store, *(a_user(name) for name in ("a", "c", "e")))
    nobody = a_user().id
    rows = await store.queries.users(EVERYBODY, BY_EMAIL, after=Position("b@example.com", nobody), offset=0, limit=10)
    assert [row.value.email for row in rows] == ["c@example.com", "e@example.com"]


async def test_a_microsecond_makes_a_difference(store: Store) -> None:
    moments = [NOW + timedelta(microseconds=n) for n in (0, 1, 999_999)]
    await add(store, *(a_user(f"user{n}", created_at=moment) for n, moment in enumerate(moments)))
    sort = Sort("created_at", descending=True)
    first = (await store.queries.users(EVERYBODY, sort, after=None, offset=0, limit=1))[0]
    assert first.position.value == moments[2]
    rest = await store.queries.users(EVERYBODY, sort, after=first.position, offset=0, limit=10)
    assert [row.position.value for row in rest] == [moments[1], moments[0]]


ADA = a_user("ada.lovelace", username="Ada_L", first_name="Ada", last_name="King-Lovelace")
JOSE = a_user("jose", first_name="José", last_name="Müller-Straße")
BO = a_user("bo", first_name="Bo", last_name="100%_sure\\")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", [ADA]),
        ("ADA", [ADA]),
        ("love", [ADA]),
        ("king love", [ADA]),
        ("love king", [ADA]),
        ("lovelace king nobody", []),
        ("ovelace", []),
        ("example", [ADA, BO, JOSE]),
        ("JOSÉ", [JOSE]),
        ("jose\u0301", [JOSE]),
        ("strasse", [JOSE]),
        ("STRASSE", [JOSE]),
        ("mu", []),
        ("mü", [JOSE]),
        ("ｍüller", [JOSE]),
        ("100", [BO]),
        ("100%", [BO]),
        ("sure", [BO]),
        ("%", []),
        ("_", []),
        ("%%%", []),
        ("\\", []),
        ("'", []),
        ("", []),
        ("   ", []),
        ("\0", []),
        ("\ud800", []),
        ("ada\0", [ADA]),
        ("a' OR '1'='1", []),
    ],
)
async def test_a_search_finds_the_beginnings_of_words(store: Store, q: str, found: list[User]) -> None:
    await add(store, ADA, JOSE, BO)
    filters = UserFilters(q=q)
    assert await emails(store, filters) == [user.email.typed for user in found]
    assert await store.queries.count_users(filters) == len(found)


@examples
@given(st.text("aäAßſ𝔞ﬁ-_%\\ 0", max_size=6), st.text("aäAßſ𝔞ﬁ-_%\\ 0", max_size=4))
async def test_every_store_finds_what_the_text_itself_says(store: Store, name: str, q: str) -> None:
    user = a_user(last_name=name if name.strip() else None)
    async with holding(store, [user]):
        found = await store.queries.count_users(UserFilters(q=q))
    assert found == int(bool(words(q)) and all(f" {word}" in user.search_text for word in words(q)))


async def test_filters_narrow_each_other_down(store: Store) -> None:
    admin = a_user("admin", roles=frozenset({"admin", "member"}), is_verified=True)
    member = a_user("member", is_active=False)
    await add(store, admin, member)
    for wanted, names in (
        (UserFilters(role="admin"), ["admin"]),
        (UserFilters(role="member"), ["admin", "member"]),
        (UserFilters(role="Admin"), []),
        (UserFilters(role="adm"), []),
        (UserFilters(role="\0"), []),
        (UserFilters(role="\ud800"), []),
        (UserFilters(role="' OR 1=1 --"), []),
        (UserFilters(is_active=True), ["admin"]),
        (UserFilters(is_active=False), ["member"]),
        (UserFilters(is_verified=False), ["member"]),
        (UserFilters(role="member", is_active=True, is_verified=True, q="adm"), ["admin"]),
        (UserFilters(role="admin", is_active=False), []),
    ):
        assert await emails(store, wanted) == [f"{name}@example.com" for name in names]
        assert await store.queries.count_users(wanted) == len(names)


async def test_holders_of_a_role_are_listed_by_what_they_are_now(store: Store) -> None:
    """Whatever a store keeps beside the role follows every change of the account."""
    admins = UserFilters(role="admin")
    ada = a_user("ada", roles=frozenset({"admin"}))
    bob = a_user("bob", roles=frozenset({"admin", "member"}), created_at=NOW + timedelta(seconds=1))
    await add(store, ada, bob)
    async with store.transactions.begin() as uow:
        read = await uow.users.get(ada.id)
        assert read is not None
        changed = replace(
            read,
            email=EmailAddress("zoe@example.com", "zoe@example.com"),
            username="Zoe",
            is_active=False,
            is_verified=not read.is_verified,
            updated_at=NOW + timedelta(days=1),
        )
        await uow.users.save(changed)
    for sort in (Sort(field, descending) for field in USER_SORTS for descending in (False, True)):
        assert [row.position for row in await all_rows(store, admins, sort)] == [
            row.position for row in in_order([changed, bob], sort)
        ]
    assert await emails(store, replace(admins, is_active=False)) == ["zoe@example.com"]
    assert await emails(store, replace(admins, is_active=True)) == ["bob@example.com"]
    assert await emails(store, replace(admins, is_verified=changed.is_verified)) == ["zoe@example.com"]
    assert await store.queries.count_users(replace(admins, is_active=False)) == 1
