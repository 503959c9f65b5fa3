"""Webhooks and their deliveries on each store: what is stored comes back, in order, and no wake-up is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adapters.system import Uuid7Ids
from application.paging import Position
from application.unit_of_work import UnitOfWork
from application.webhooks.ports import Outgoing
from application.webhooks.subscribers import Subscribers
from application.webhooks.views import DeliveryDetail, DeliveryFilters, DeliveryView, WebhookView, shown_webhook
from domain.errors import Conflict
from domain.webhooks.delivery import LEAST_ATTEMPTS, Answer, Delivery, DeliveryStatus
from domain.webhooks.webhook import SecretSeed, Subscription, Webhook
from tests.contracts.builders import (
    NOW,
    SECOND,
    a_webhook,
    a_webhook_delivery,
    add_webhook_deliveries,
    add_webhooks,
)
from tests.contracts.plans import Asked
from tests.contracts.test_text_and_time import HOSTILE
from tests.stores import POSTGRESQL, Store

FULL = a_webhook(
    "order.*",
    "user.created",
    url="https://xn--bcher-kva.example:8443/a?b=%20c",
    description="Büro ☕",
    is_active=False,
    disabled_reason="It was switched off.",
    previous=SecretSeed("k0", b"\x00\xff" * 16),
    previous_until=NOW + SECOND,
    created_at=NOW - SECOND,
    version=4,
)
BARE = a_webhook()


async def stored_webhook(store: Store, webhook_id: UUID) -> Webhook | None:
    async with store.transactions.begin() as uow:
        return await uow.webhooks.get(webhook_id)


async def stored_delivery(store: Store, delivery_id: UUID) -> Delivery:
    async with store.transactions.begin() as uow:
        found = await uow.webhook_deliveries.get(delivery_id)
    assert found is not None
    return found


async def save(store: Store, delivery: Delivery) -> None:
    async with store.transactions.begin() as uow:
        await uow.webhook_deliveries.save(delivery)


async def test_every_field_of_a_webhook_comes_back(store: Store) -> None:
    await add_webhooks(store, FULL, BARE)
    for webhook in (FULL, BARE):
        assert await stored_webhook(store, webhook.id) == webhook
        assert await store.webhooks.webhook(webhook.id) == shown_webhook(webhook)
    rows = await store.webhooks.webhooks(after=None, offset=0, limit=10)
    assert [row.value for row in rows] == [WebhookView.of(BARE), WebhookView.of(FULL)]
    assert await store.webhooks.count_webhooks() == 2
    async with store.transactions.begin() as uow:
        assert await uow.webhooks.count() == 2
        assert list(await uow.webhooks.subscriptions()) == [Subscription(BARE.id, ("*",))]


async def test_only_the_version_that_was_read_is_saved(store: Store) -> None:
    await add_webhooks(store, BARE)
    changed = replace(FULL, id=BARE.id, version=BARE.version)
    async with store.transactions.begin() as uow:
        saved = await uow.webhooks.save(changed)
    assert saved == replace(changed, version=BARE.version + 1)
    assert await stored_webhook(store, BARE.id) == saved
    for stale in (BARE, replace(BARE, id=uuid4())):
        with pytest.raises(Conflict, match="meanwhile"):
            async with store.transactions.begin() as uow:
                await uow.webhooks.save(stale)
    async with store.transactions.begin() as uow:
        await uow.webhooks.remove(BARE.id)
    assert await stored_webhook(store, BARE.id) is None
    assert await store.webhooks.webhook(BARE.id) is None


async def test_who_subscribed_is_known_until_that_changes(store: Store) -> None:
    """Even though it is kept: whoever subscribes on the same machine counts at once."""
    subscribers = Subscribers(store.changes, Uuid7Ids())

    async def to(event: str) -> set[UUID]:
        async with store.transactions.begin() as uow:
            return set(await subscribers.to(uow, event))

    assert await to("order.paid") == set()
    every, orders = a_webhook("*"), a_webhook("order.*", "post.deleted")
    await add_webhooks(store, every, orders)
    assert await to("order.paid") == {every.id, orders.id}
    assert await to("order.paid") == {every.id, orders.id}
    assert await to("post.published") == {every.id}
    async with store.transactions.begin() as uow:
        await uow.webhooks.save(replace(every, is_active=False))
    assert await to("post.published") == set()
    async with store.transactions.begin() as uow:
        await uow.webhooks.remove(orders.id)
    assert await to("order.paid") == set()


async def test_every_field_of_a_delivery_comes_back(store: Store) -> None:
    await add_webhooks(store, BARE)
    [made] = await add_webhook_deliveries(store, a_webhook_delivery(BARE, body='{"data":"ü ☕"}'))
    failed = made.attempted(Answer(503, retry_after="60", took=SECOND), NOW + SECOND, 0.5)
    await save(store, failed)
    assert await stored_delivery(store, made.id) == failed
    assert await store.webhooks.outgoing(made.id) == Outgoing(failed, BARE, waits=False)
    assert await store.webhooks.delivery(BARE.id, made.id) == DeliveryDetail.of(failed)
    assert await store.webhooks.delivery(uuid4(), made.id) is None
    assert await store.webhooks.outgoing(uuid4()) is None
    delivered = failed.attempted(Answer(200), NOW + 2 * SECOND, 0.5)
    await save(store, delivered)
    assert await stored_delivery(store, made.id) == delivered
    [row] = await store.webhooks.deliveries(BARE.id, DeliveryFilters(), after=None, offset=0, limit=5)
    assert row.value == DeliveryView.of(delivered)
    assert row.value.delivered_at == NOW + 2 * SECOND


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_receiver_says_is_stored_whatever_it_is(store: Store, text: str) -> None:
    [made] = await add_webhook_deliveries(store, a_webhook_delivery(uuid4()))
    failed = made.attempted(Answer(error=text), NOW, 0)
    await save(store, failed)
    assert (await stored_delivery(store, made.id)).error == failed.error


async def test_a_delivery_outlives_its_webhook_and_knows_it(store: Store) -> None:
    """Who changes an order does not fail because a webhook was deleted just before."""
    [made] = await add_webhook_deliveries(store, a_webhook_delivery(uuid4()))
    assert await store.webhooks.outgoing(made.id) == Outgoing(made, None, waits=False)


async def test_numbers_are_given_in_order(store: Store) -> None:
    first = await add_webhook_deliveries(store, *(a_webhook_delivery(uuid4()) for _ in range(3)))
    second = await add_webhook_deliveries(store, *(a_webhook_delivery(uuid4()) for _ in range(3)))
    numbers = [delivery.number for delivery in first + second]
    assert numbers == sorted(set(numbers))


async def test_a_list_is_filtered_and_walked_without_a_gap(store: Store) -> None:
    events, answers = ("order.paid", "order.placed"), (None, Answer(200), Answer(500))
    made = await add_webhook_deliveries(
        store,
        *(
            a_webhook_delivery(BARE, event=events[n % 2], created_at=NOW + (n // 3) * SECOND, attempts=LEAST_ATTEMPTS)
            for n in range(12)
        ),
        a_webhook_delivery(uuid4()),
    )
    late = NOW + timedelta(days=9)
    kept = {}
    for n, delivery in enumerate(made[:-1]):
        answer = answers[n % 3]
        kept[delivery.id] = delivery if answer is None else delivery.attempted(answer, late, 0)
        await save(store, kept[delivery.id])

    async def walked(filters: DeliveryFilters) -> list[DeliveryView]:
        found: list[DeliveryView] = []
        after: Position | None = None
        while rows := await store.webhooks.deliveries(BARE.id, filters, after=after, offset=0, limit=2):
            found += [row.value for row in rows]
            after = rows[-1].position
        assert await store.webhooks.count_deliveries(BARE.id, filters) == len(found)
        return found

    wanted = sorted(map(DeliveryView.of, kept.values()), key=lambda view: (view.created_at, view.id), reverse=True)
    for status in (None, *DeliveryStatus):
        for event in (None, *events):
            chosen = [v for v in wanted if status in (None, v.status) and event in (None, v.event)]
            assert await walked(DeliveryFilters(status, event)) == chosen
            assert chosen
    assert await walked(DeliveryFilters(event="\0")) == []


@pytest.mark.parametrize(
    "filters", [DeliveryFilters(), DeliveryFilters(DeliveryStatus.FAILED), DeliveryFilters(event="x")]
)
async def test_a_page_is_read_by_an_index_that_has_its_order(store: Store, filters: DeliveryFilters) -> None:
    if store.engine is None:
        return
    asked = Asked.on(store.engine)
    after = Position(NOW, uuid4())
    await store.webhooks.deliveries(BARE.id, filters, after=after, offset=0, limit=2)
    plan = await asked.plan(whatever_it_costs=True)
    assert any("ix_webhook_deliveries_" in step for step in plan), plan
    assert not any("Sort" in step or "TEMP B-TREE" in step for step in plan), plan


class Lane:
    """Deliveries of one webhook and one subject, in their order."""

    def __init__(self, store: Store, made: list[Delivery]) -> None:
        self.store = store
        self.made = made

    @classmethod
    async def of(cls, store: Store, length: int) -> "Lane":
        subject, webhook_id = uuid4(), uuid4()
        others = [a_webhook_delivery(webhook_id), a_webhook_delivery(uuid4(), subject)]
        wanted = [a_webhook_delivery(webhook_id, subject) for _ in range(length)]
        made = await add_webhook_deliveries(store, *others, *wanted)
        return cls(store, made[2:])

    async def settle(self, uow: UnitOfWork, delivery: Delivery) -> Delivery | None:
        """As the job does it; the one that has to be woken."""
        locked = await uow.webhook_deliveries.get(delivery.id)
        assert locked is not None
        await uow.webhook_deliveries.save(locked.attempted(Answer(200), NOW, 0))
        return await uow.webhook_deliveries.next_pending(locked)


async def test_the_next_one_is_that_of_the_same_webhook_and_subject(store: Store) -> None:
    lane = await Lane.of(store, 3)
    first, second, third = lane.made
    async with store.transactions.begin() as uow:
        assert not await uow.webhook_deliveries.lock_earlier(first)
        for later in (second, third):
            assert await uow.webhook_deliveries.lock_earlier(later)
        assert await lane.settle(uow, first) == second
        assert not await uow.webhook_deliveries.lock_earlier(second)
        assert await lane.settle(uow, second) == third
        assert await lane.settle(uow, third) is None
    for delivery in (first, second, third):
        found = await store.webhooks.outgoing(delivery.id)
        assert found is not None
        assert not found.waits


async def test_what_waits_is_read_as_waiting(store: Store) -> None:
    lane = await Lane.of(store, 2)
    waits = [found.waits for each in lane.made if (found := await store.webhooks.outgoing(each.id)) is not None]
    assert waits == [False, True]


@pytest.mark.parametrize("settles_first", [True, False])
async def test_no_wake_up_is_lost_between_who_settles_and_who_gives_up(store: Store, settles_first: bool) -> None:
    """The second delivery's job is about to give up because the first is pending, just when that one is settled. Where
    both can be under way at once, the one that comes second waits; then it sees what the other did."""
    lane = await Lane.of(store, 2)
    first, second = lane.made
    opened, go_on = asyncio.Event(), asyncio.Event()
    outcome: dict[str, object] = {}

    async def settle() -> None:
        async with store.transactions.begin() as uow:
            outcome["woken"] = await lane.settle(uow, first)
            if settles_first:
                opened.set()
                await go_on.wait()

    async def give_up() -> None:
        async with store.transactions.begin() as uow:
            outcome["gave up"] = await uow.webhook_deliveries.lock_earlier(second)
            if not settles_first:
                opened.set()
                await go_on.wait()

    one, other = (settle, give_up) if settles_first else (give_up, settle)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one())
        await opened.wait()
        later = tasks.create_task(other())
        await asyncio.wait([later], timeout=0.2)
        assert not later.done(), "it waits for the other one"
        go_on.set()
    if settles_first:
        assert outcome["gave up"] is False, "so its job goes on"
    else:
        assert outcome["gave up"] is True
        assert outcome["woken"] == second, "so it gets another job"


async def test_a_delivery_that_comes_while_the_one_before_is_settled_is_not_forgotten(store: Store) -> None:
    """Whoever settles may have looked for the next one before this one was committed. Its own job then finds the first
    one pending, waits for the lock, and finds it settled."""
    if store.name != POSTGRESQL:
        return  # elsewhere there is one writer at a time
    lane = await Lane.of(store, 1)
    [first] = lane.made
    async with store.transactions.begin() as uow:
        assert await lane.settle(uow, first) is None
        [second] = await add_webhook_deliveries(store, a_webhook_delivery(first.webhook_id, first.subject))

        async def give_up() -> bool:
            async with store.transactions.begin() as other:
                return await other.webhook_deliveries.lock_earlier(second)

        giving_up = asyncio.create_task(give_up())
        await asyncio.wait([giving_up], timeout=0.2)
        assert not giving_up.done()
    assert await giving_up is False


async def test_a_webhook_gives_up_all_of_its_own_at_once(store: Store) -> None:
    lane = await Lane.of(store, 3)
    done = lane.made[0].attempted(Answer(200), NOW, 0)
    await save(store, done)
    webhook_id = done.webhook_id
    async with store.transactions.begin() as uow:
        await uow.webhook_deliveries.give_up_all(webhook_id, NOW + SECOND, "Off.")
        await uow.webhook_deliveries.give_up_all(webhook_id, NOW + 2 * SECOND, "Off again.")
    assert await stored_delivery(store, done.id) == done
    for delivery in lane.made[1:]:
        assert await stored_delivery(store, delivery.id) == delivery.given_up(NOW + SECOND, "Off.")


async def test_what_is_committed_while_others_are_given_up_is_given_up_too(store: Store) -> None:
    """Else it could be left without a job: that one ended because of an earlier one, whose end woke nobody."""
    if store.name != POSTGRESQL:
        return  # elsewhere there is one writer at a time
    lane = await Lane.of(store, 1)
    [first] = lane.made

    async def give_up() -> None:
        async with store.transactions.begin() as uow:
            await uow.webhook_deliveries.give_up_all(first.webhook_id, NOW, "Off.")

    async with store.transactions.begin() as uow:
        await uow.webhook_deliveries.get(first.id)
        giving_up = asyncio.create_task(give_up())
        await asyncio.wait([giving_up], timeout=0.2)
        assert not giving_up.done()
        [second] = await add_webhook_deliveries(store, a_webhook_delivery(first.webhook_id, first.subject))
    await giving_up
    assert await stored_delivery(store, second.id) == second.given_up(NOW, "Off.")


async def test_what_waits_is_made_due_with_its_job(store: Store) -> None:
    lane = await Lane.of(store, 4)
    waiting, due, over, running = (
        replace(delivery, next_attempt_at=NOW + n * SECOND)
        for delivery, n in zip(lane.made, (60, -9, 0, 60), strict=True)
    )
    over = over.given_up(NOW, "No.")
    [other] = await add_webhook_deliveries(store, a_webhook_delivery(uuid4(), next_attempt_at=NOW + 60 * SECOND))
    kept = (waiting, due, over, running, other)
    jobs = [replace(each.job(uuid4(), NOW), due_at=each.next_attempt_at or NOW + SECOND) for each in kept]
    jobs[3] = jobs[3].claimed(NOW, uuid4(), NOW + 30 * SECOND)
    async with store.transactions.begin() as uow:
        for delivery in kept:
            await uow.webhook_deliveries.save(delivery)
        await uow.jobs.add_all(jobs)
        await uow.webhook_deliveries.make_due(waiting.webhook_id, NOW)
    expected = (replace(waiting, next_attempt_at=NOW), due, over, replace(running, next_attempt_at=NOW), other)
    for delivery in expected:
        assert await stored_delivery(store, delivery.id) == delivery
    async with store.transactions.begin() as uow:
        assert [await uow.jobs.get(job.id) for job in jobs] == [replace(jobs[0], due_at=NOW), *jobs[1:]]


async def test_a_span_is_taken_in_order_and_once(store: Store) -> None:
    webhook_id = uuid4()
    made = await add_webhook_deliveries(
        store, *(a_webhook_delivery(webhook_id, created_at=NOW + n * SECOND, pending_since=NOW) for n in range(8))
    )
    failed = [delivery.given_up(NOW, "No.") for delivery in made[:6]]
    delivered = made[6].attempted(Answer(200), NOW, 0)
    for delivery in (*failed, delivered):
        await save(store, delivery)

    async def within(behind: int = 0, limit: int = 10, **span: object) -> list[Delivery]:
        wanted = {"since": NOW, "until": NOW + 99 * SECOND, "statuses": list(DeliveryStatus), **span}
        async with store.transactions.begin() as uow:
            return list(
                await uow.webhook_deliveries.settled_within(  # type: ignore[arg-type]
                    webhook_id, asked_at=NOW, behind=behind, limit=limit, **wanted
                )
            )

    assert await within(since=NOW + SECOND, until=NOW + 4 * SECOND) == failed[1:4]
    assert await within(statuses=[DeliveryStatus.DELIVERED]) == [delivered]
    assert await within(limit=2) == failed[:2]
    assert await within(behind=failed[1].number, limit=2) == failed[2:4]
    await save(store, failed[0].repeated(NOW + SECOND).given_up(NOW + SECOND, "No."))
    assert await within(limit=1) == failed[1:2], "what was repeated since is left out"


async def test_what_nobody_looked_after_is_found_at_the_head_of_its_lane(store: Store) -> None:
    lane = await Lane.of(store, 3)
    first, second, third = lane.made
    waiting = replace(second, next_attempt_at=NOW + 9 * SECOND)
    await save(store, waiting)

    async def overdue() -> set[UUID]:
        async with store.transactions.begin() as uow:
            found = await uow.webhook_deliveries.overdue(NOW + SECOND, limit=10)
        return {each.id for each in found} & {each.id for each in lane.made}

    assert await overdue() == {first.id}
    await save(store, first.attempted(Answer(200), NOW, 0))
    assert await overdue() == set()
    await save(store, waiting.attempted(Answer(200), NOW, 0))
    assert await overdue() == {third.id}


async def test_what_is_looked_after_is_no_more_in_the_way_of_what_is_not(store: Store) -> None:
    made = await add_webhook_deliveries(store, *(a_webhook_delivery(uuid4()) for _ in range(5)))
    lost = replace(made[3], next_attempt_at=NOW + SECOND)
    await save(store, lost)
    async with store.transactions.begin() as uow:
        jobs = [each.job(uuid4(), NOW) for each in made]
        jobs[3] = jobs[3].succeeded(NOW)
        await uow.jobs.add_all(jobs)
        assert list(await uow.webhook_deliveries.overdue(NOW + SECOND, limit=1)) == [lost]


async def test_what_is_repeated_while_it_is_about_to_be_removed_stays(store: Store) -> None:
    [made] = await add_webhook_deliveries(store, a_webhook_delivery(uuid4()))
    await save(store, made.given_up(NOW, "No."))

    async def remove() -> int:
        async with store.transactions.begin() as uow:
            return await uow.webhook_deliveries.remove_settled(NOW + SECOND, limit=9)

    async with store.transactions.begin() as uow:
        locked = await uow.webhook_deliveries.get(made.id)
        assert locked is not None
        await uow.webhook_deliveries.save(locked.repeated(NOW + SECOND))
        removing = asyncio.create_task(remove())
        await asyncio.wait([removing], timeout=0.2)
    assert await removing == 0
    assert (await stored_delivery(store, made.id)).is_pending


async def test_what_was_settled_long_ago_is_removed_some_at_a_time(store: Store) -> None:
    made = await add_webhook_deliveries(store, *(a_webhook_delivery(uuid4()) for _ in range(5)))
    for n, delivery in enumerate(made[:4]):
        await save(store, delivery.given_up(NOW + n * SECOND, "No."))
    for removed in (2, 1, 0):
        async with store.transactions.begin() as uow:
            assert await uow.webhook_deliveries.remove_settled(NOW + 2 * SECOND, limit=2) == removed
    async with store.transactions.begin() as uow:
        found = [await uow.webhook_deliveries.get(delivery.id) for delivery in made]
    assert [each is not None for each in found] == [False, False, False, True, True]
