"""Notifications on each store: listed, counted, read, swept; and what members want to be told."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from adapters.sql.tables import notifications
from application.notifications.views import NotificationView
from application.paging import Position, Row
from domain.errors import Invalid
from domain.identity.user import User
from domain.notifications.notification import Broadcast, Kind, Notification
from domain.notifications.preferences import ALWAYS_ON, DEFAULTS, Choice, Preferences
from tests.contracts.builders import NOW, SECOND, a_notification, a_user, add, examples, remove
from tests.contracts.plans import Asked
from tests.stores import POSTGRESQL, Store


async def tell(store: Store, *told: Notification) -> None:
    async with store.transactions.begin() as uow:
        for notification in told:
            await uow.notifications.add(notification)


async def read(store: Store, notification_id: UUID, at: datetime = NOW) -> datetime | None:
    async with store.transactions.begin() as uow:
        return await uow.notifications.mark_read(notification_id, at)


async def read_all(store: Store, user: User, at: datetime = NOW) -> int:
    async with store.transactions.begin() as uow:
        return await uow.notifications.mark_all_read(user.id, at)


async def listed(store: Store, user: User, unread: bool | None = None) -> list[NotificationView]:
    rows = await store.notifications.notifications(user.id, unread, after=None, offset=0, limit=1000)
    return [row.value for row in rows]


async def choose(store: Store, user: User, changes: Mapping[str, Mapping[str, bool]]) -> Preferences:
    async with store.transactions.begin() as uow:
        stored = await uow.preferences.of(user.id)
        changed = stored.changed(changes)
        for kind in Kind:
            if changed.of(kind) != stored.of(kind):
                await uow.preferences.choose(user.id, kind, changed.of(kind))
    return changed


async def test_a_notification_is_found_as_it_was_stored(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    made = a_notification(ada, title="Grüße 👋", body="one\r\n\ttwo\n", kind=Kind.ORDER)
    await tell(store, made)
    found = await store.notifications.notification(made.id)
    assert found is not None
    assert (found.user_id, found.value) == (ada.id, NotificationView.of(made))
    assert await store.notifications.notification(uuid4()) is None


async def test_who_reads_twice_has_read_the_first_time(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    made = a_notification(ada)
    await tell(store, made)
    assert await read(store, made.id, NOW) == NOW
    assert await read(store, made.id, NOW + SECOND) == NOW
    assert [n.read_at for n in await listed(store, ada)] == [NOW]
    assert await read(store, uuid4()) is None


async def test_to_read_all_reads_what_is_unread_of_one_member(store: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(store, ada, bob)
    early = a_notification(ada, read_at=NOW - SECOND)
    await tell(store, early, a_notification(ada), a_notification(ada), a_notification(bob))
    assert await read_all(store, ada) == 2
    assert await read_all(store, ada) == 0
    assert (await store.notifications.count(ada.id, True), await store.notifications.count(bob.id, True)) == (0, 1)
    found = await store.notifications.notification(early.id)
    assert found is not None
    assert found.value.read_at == NOW - SECOND


async def test_an_account_takes_its_notifications_and_preferences_with_it(store: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(store, ada, bob)
    mine, his = a_notification(ada), a_notification(bob)
    await tell(store, mine, his)
    await choose(store, ada, {"order": {"mail": False}})
    await remove(store, ada)
    assert await store.notifications.notification(mine.id) is None
    assert await store.notifications.notification(his.id) is not None
    assert await store.notifications.preferences(ada.id) == Preferences(ada.id)


async def test_what_is_old_is_swept_some_at_a_time(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    day = timedelta(days=1)
    kept = [a_notification(ada, created_at=NOW), a_notification(ada, created_at=NOW - 5 * day, read_at=NOW)]
    old = [
        a_notification(ada, created_at=NOW - 11 * day),
        a_notification(ada, created_at=NOW - 11 * day, read_at=NOW),
        a_notification(ada, created_at=NOW - 5 * day, read_at=NOW - 4 * day),
    ]
    await tell(store, *kept, *old)
    swept = []
    for _ in range(3):
        async with store.transactions.begin() as uow:
            swept.append(await uow.notifications.remove_old(read_before=NOW - 3 * day, before=NOW - 10 * day, limit=2))
    assert swept == [2, 1, 0]
    assert {n.id for n in await listed(store, ada)} == {n.id for n in kept}


async def test_a_broadcast_comes_once_to_each_member_and_shows_its_text(store: Store) -> None:
    members = sorted([a_user(f"m{n}") for n in range(3)], key=lambda user: user.id)
    await add(store, *members)
    broadcast = Broadcast(id=uuid4(), title="To all", body="Of you", created_at=NOW)
    async with store.transactions.begin() as uow:
        await uow.broadcasts.add(broadcast)
        await uow.broadcasts.deliver(broadcast, [(uuid4(), members[0].id)], NOW)
    async with store.transactions.begin() as uow:
        await uow.broadcasts.deliver(broadcast, [(uuid4(), user.id) for user in members], NOW + SECOND)
    for user in members:
        [found] = await listed(store, user)
        assert (found.kind, found.title, found.body, found.read_at) == ("broadcast", "To all", "Of you", None)
    assert [n.created_at for n in await listed(store, members[0])] == [NOW]


async def test_a_broadcast_walks_through_the_active_members_with_what_they_chose(store: Store) -> None:
    users = [a_user(f"m{n}", is_active=n != 2) for n in range(6)]
    await add(store, *users)
    await choose(store, users[0], {"broadcast": {"in_app": False}})
    await choose(store, users[1], {"broadcast": {"mail": True}, "order": {"mail": False}})
    wanted = {users[0].id: (False, False), users[1].id: (True, True)}
    ids = sorted(user.id for user in users if user.is_active)
    async with store.transactions.begin() as uow:
        assert await uow.broadcasts.audience() == 5
        first = await uow.broadcasts.next_members(None, 3)
        rest = await uow.broadcasts.next_members(first[-1].user_id, 3)
        assert await uow.broadcasts.next_members(rest[-1].user_id, 3) == []
    assert [r.user_id for r in (*first, *rest)] == ids
    assert all((r.in_app, r.mail) == wanted.get(r.user_id, (True, False)) for r in (*first, *rest))


async def test_how_far_a_broadcast_has_come_is_kept_and_it_goes_when_nothing_is_left_of_it(store: Store) -> None:
    ada = a_user()
    await add(store, ada)
    broadcast = Broadcast(id=uuid4(), title="To all", body="Of you", created_at=NOW)
    come = replace(broadcast, reached=ada.id, done=1, sent=1)
    async with store.transactions.begin() as uow:
        await uow.broadcasts.add(broadcast)
        await uow.broadcasts.deliver(broadcast, [(uuid4(), ada.id)], NOW)
        await uow.broadcasts.save(come)
    async with store.transactions.begin() as uow:
        assert await uow.broadcasts.get(broadcast.id) == come
        assert await uow.broadcasts.get(uuid4()) is None
        assert await uow.broadcasts.remove_before(NOW, limit=10) == 0
        assert await uow.notifications.remove_old(read_before=NOW, before=NOW, limit=10) == 1
        assert await uow.broadcasts.remove_before(NOW - SECOND, limit=10) == 0
        assert await uow.broadcasts.remove_before(NOW, limit=10) == 1


async def test_preferences_are_the_defaults_until_something_is_chosen(store: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(store, ada, bob)
    assert await store.notifications.preferences(ada.id) == Preferences(ada.id)
    changed = await choose(store, ada, {"broadcast": {"in_app": False}, "order": {"mail": False}, "job": {}})
    assert changed.version == 3
    assert await store.notifications.preferences(ada.id) == changed
    assert await store.notifications.preferences(bob.id) == Preferences(bob.id)


def test_what_has_to_arrive_cannot_be_switched_off() -> None:
    for kind, channel in ALWAYS_ON:
        with pytest.raises(Invalid) as refused:
            Preferences(uuid4()).changed({kind.value: {channel: False}})
        assert (refused.value.code, refused.value.problems[0].pointer) == ("always-on", f"/{kind.value}/{channel}")
        assert getattr(DEFAULTS[kind], channel)


@pytest.mark.parametrize("name", ["", "orders", "a/b~c", "WELCOME"])
def test_a_kind_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        Preferences(uuid4()).changed({name: {"in_app": False}})
    assert refused.value.code == "unknown-kind"


kinds_with_channels = st.sampled_from(
    [(kind, channel) for kind in Kind for channel in ("in_app", "mail") if (kind, channel) not in ALWAYS_ON]
)


@examples
@given(st.lists(st.tuples(kinds_with_channels, st.booleans()), max_size=12))
async def test_preferences_are_what_was_chosen_last(store: Store, choices: list[tuple[tuple[Kind, str], bool]]) -> None:
    """A model: of each kind and channel the last choice; each change that changes something counts."""
    ada = a_user()
    await add(store, ada)
    model = {kind: {"in_app": default.in_app, "mail": default.mail} for kind, default in DEFAULTS.items()}
    version = 1
    for (kind, channel), wanted in choices:
        version += model[kind][channel] != wanted
        model[kind][channel] = wanted
        assert (await choose(store, ada, {kind.value: {channel: wanted}})).version == version
    found = await store.notifications.preferences(ada.id)
    await remove(store, ada)
    assert {kind: found.of(kind) for kind in Kind} == {kind: Choice(**model[kind]) for kind in Kind}
    assert found.version == version


steps = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 2)),
        st.tuples(st.just("read"), st.integers(0, 9)),
        st.tuples(st.just("read all"), st.just(0)),
    ),
    max_size=15,
)


@examples
@given(steps, st.integers(1, 4))
async def test_lists_and_counts_are_those_of_a_model(store: Store, taken: list[tuple[str, int]], size: int) -> None:
    ada = a_user()
    await add(store, ada)
    model: dict[UUID, NotificationView] = {}
    for step, number in taken:
        at = NOW + timedelta(microseconds=number)
        if step == "tell":
            made = a_notification(ada, created_at=at)
            await tell(store, made)
            model[made.id] = NotificationView.of(made)
        elif step == "read" and model:
            chosen = list(model.values())[number % len(model)]
            model[chosen.id] = replace(chosen, read_at=chosen.read_at or at)
            assert await read(store, chosen.id, at) == model[chosen.id].read_at
        elif step == "read all":
            unread = [view for view in model.values() if view.read_at is None]
            assert await read_all(store, ada, at) == len(unread)
            model |= {view.id: replace(view, read_at=at) for view in unread}
    for unread in (None, True, False):
        expected = sorted(
            (view for view in model.values() if unread in (None, view.read_at is None)),
            key=lambda view: (view.created_at, view.id),
            reverse=True,
        )
        assert await store.notifications.count(ada.id, unread) == len(expected)
        assert await _followed(store, ada, unread, size) == expected
    await remove(store, ada)


async def _followed(store: Store, user: User, unread: bool | None, size: int) -> list[NotificationView]:
    found: list[Row[NotificationView]] = []
    after: Position | None = None
    while rows := await store.notifications.notifications(user.id, unread, after=after, offset=0, limit=size):
        found += rows
        after = rows[-1].position
    return [row.value for row in found]


async def test_the_count_is_right_while_new_ones_come_and_all_are_read(database: Store) -> None:
    """Whoever reads all reads what is there; what comes meanwhile is unread, and nothing is lost."""
    ada = a_user()
    await add(database, ada)
    counts: list[int] = []

    async def come() -> None:
        for _ in range(20):
            await tell(database, a_notification(ada))

    async def look() -> None:
        for _ in range(20):
            counts.append(await database.notifications.count(ada.id, True))

    async def read_now_and_then() -> int:
        return sum([await read_all(database, ada) for _ in range(10)])

    *_, were_read = await asyncio.gather(come(), look(), read_now_and_then())
    left = await database.notifications.count(ada.id, True)
    assert were_read + left == 20
    assert await database.notifications.count(ada.id, False) == were_read
    assert all(0 <= count <= 20 for count in counts)


async def test_lists_and_the_count_are_served_by_an_index(database: Store) -> None:
    ada, bob = a_user("ada"), a_user("bob")
    await add(database, ada, bob)
    await tell(database, *(a_notification(ada, created_at=NOW + n * SECOND) for n in range(60)))
    await tell(database, *(a_notification(ada, created_at=NOW - n * SECOND, read_at=NOW) for n in range(1, 240)))
    many = [{"id": uuid4(), "user_id": bob.id, "number": n, "created_at": NOW + n * SECOND} for n in range(20_000)]
    assert database.engine is not None
    async with database.engine.begin() as connection:
        await connection.execute(insert(notifications).values(kind="message", title="Hi", body="", read_at=NOW), many)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ANALYZE")
    asked = Asked.on(database.engine)
    after = Position(NOW + 50 * SECOND, uuid4())
    for unread, index in ((None, "ix_notifications_user_id_created_at_id"), (True, "ix_notifications_unread")):
        asked.statements.clear()
        rows = await database.notifications.notifications(ada.id, unread, after=after, offset=0, limit=5)
        assert len(rows) == 5
        if database.name == POSTGRESQL:
            done = await asked.done()
            assert index in done.indexes
            assert done.rows_read_from("notifications") <= 10
            assert "Sort" not in done.kinds
        else:
            plan = " ".join(await asked.plan())
            assert index in plan
            assert "TEMP B-TREE" not in plan
    asked.statements.clear()
    assert await database.notifications.count(ada.id, True) == 60
    assert any("ix_notifications_unread" in step for step in await asked.plan())
