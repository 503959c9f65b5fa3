"""A receiver that fails for a while gets everything once it is back: in order for each subject, repeats by their id."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.app import Application
from application.webhooks.gate import LONGEST_REST
from application.webhooks.ports import Outgoing, WebhookQueries
from application.webhooks.sending import AWAY
from domain.jobs.job import Progress
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.contracts.builders import a_webhook_delivery
from tests.entrypoints.http.client import OPERATOR, Api
from tests.entrypoints.http.test_webhooks import deliveries, subscribed, went_on
from tests.limits import UNLIMITED
from tests.stores import MEMORY, database_url
from tests.webhook_receiver import OK, Received, Receiver, answering, receiving, reset

SUBJECTS = 5
CHANGES = 40
MOST_ROUNDS = 400
TROUBLES = (answering(500), answering(503, "Retry-After: 30"), answering(429), answering(302, "Location: /"), reset)
"""Of the last one nobody knows whether it arrived; here it did."""


@pytest.fixture
def settings(store_name: str, tmp_path: Path) -> Settings:
    return Settings(
        bcrypt_cost=4,
        data_dir=tmp_path,
        database_url=database_url(store_name, tmp_path),
        webhooks_to_loopback=True,
        access_token_ttl=86_400,
        **UNLIMITED,
    )


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.mark.parametrize("seed", range(3))
async def test_everything_comes_in_order_once_the_receiver_is_back(
    api: Api, store_name: str, settings: Settings, receiver: Receiver, seed: int
) -> None:
    chance = random.Random(seed)
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url, "product.*")
    async with AsyncExitStack() as more:
        workers = [api.application]
        if store_name != MEMORY:
            workers.append(await more.enter_async_context(open_application(settings, clock=api.clock)))
        changed = await _change_things_while_it_fails(api, workers, receiver, chance)
        receiver.usually = OK
        for _ in range(MOST_ROUNDS):
            api.clock.advance(seconds=LONGEST_REST.total_seconds())
            await _drained(workers)
            if not await deliveries(api, root, webhook, status="pending"):
                break
    assert _checked(receiver.received) == changed
    assert len(receiver.received) > sum(map(len, changed.values())), "there were repeats"
    assert [each for each in await deliveries(api, root, webhook, page_size=100) if each["status"] != "delivered"] == []


async def _change_things_while_it_fails(
    api: Api, workers: list[Application], receiver: Receiver, chance: random.Random
) -> dict[str, list[str]]:
    """For each subject, what happened to it, in order."""
    catalogue = api.application.products
    changed: dict[str, list[str]] = defaultdict(list)
    for number in range(SUBJECTS):
        made = await catalogue.create_product(OPERATOR, sku=f"p{number}", name="x", price=1, currency="EUR")
        changed[str(made.value.id)].append("product.created")
    for turn in range(CHANGES):
        receiver.usually = chance.choice([*TROUBLES, OK])
        sku = f"p{chance.randrange(SUBJECTS)}"
        found = await catalogue.update_product(OPERATOR, sku=sku, price=turn + 2)
        changed[str(found.value.id)].append("product.updated")
        if chance.random() < 0.4:
            api.clock.advance(seconds=chance.choice([1, 7, 60, 600]))
            await _drained(workers)
    for number in range(SUBJECTS):
        found = await catalogue.show_product(OPERATOR, sku=f"p{number}")
        await catalogue.delete_product(OPERATOR, sku=f"p{number}")
        changed[str(found.value.id)].append("product.deleted")
    return changed


async def _drained(workers: list[Application]) -> None:
    """All of them at once."""
    await asyncio.gather(*(worker.runner.drain() for worker in workers))


def _checked(received: list[Received]) -> dict[str, list[str]]:
    """For each subject, what was told of it, without repeats; each of those comes before anything newer."""
    told: dict[str, list[str]] = defaultdict(list)
    ids: dict[str, list[str]] = defaultdict(list)
    bodies: dict[str, bytes] = {}
    for message in received:
        subject = message.json["data"]["product_id"]
        assert bodies.setdefault(message.id, message.body) == message.body
        if message.id not in ids[subject]:
            ids[subject].append(message.id)
            told[subject].append(message.json["type"])
        assert message.id == ids[subject][-1], "an older one came after a newer one"
    return told


class Interrupted:
    """Reads what is to be sent; then something happens before anything is done about it."""

    def __init__(self, queries: WebhookQueries, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._queries = queries
        self._meanwhile = meanwhile

    async def outgoing(self, delivery_id: UUID) -> Outgoing | None:
        found = await self._queries.outgoing(delivery_id)
        await self._meanwhile()
        self._meanwhile = _nothing
        return found


async def _nothing() -> None: ...


async def test_what_is_repeated_while_its_old_job_is_about_to_leave_is_sent(api: Api, receiver: Receiver) -> None:
    """The job saw that the delivery is over; before it can say so, somebody has it repeated, and finds that it has a
    job already."""
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url, "product.*")
    path = f"/webhooks/{webhook['id']}"
    await api.application.products.create_product(OPERATOR, sku="mug", name="x", price=1, currency="EUR")
    await api.call("PATCH", path, as_=root, json={"is_active": False})
    await api.call("PATCH", path, as_=root, json={"is_active": True})
    [delivery] = await deliveries(api, root, webhook, status="failed")

    async def repeat() -> None:
        answer = await api.call("POST", f"{path}/deliveries/{delivery['id']}/replay", as_=root)
        assert answer.status_code == 200, answer.text

    await _interrupted(api, repeat)
    assert len(receiver.received) == 1
    assert [each["status"] for each in await deliveries(api, root, webhook)] == ["delivered"]


async def test_what_is_switched_on_again_is_not_given_up(api: Api, receiver: Receiver) -> None:
    """The job saw that the webhook is off; before it gives up, it is on again, and what failed is repeated."""
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url, "product.*")
    path = f"/webhooks/{webhook['id']}"
    await api.call("PATCH", path, as_=root, json={"is_active": False})
    made = a_webhook_delivery(UUID(webhook["id"]), created_at=api.clock.now(), next_attempt_at=api.clock.now())
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        await uow.webhook_deliveries.add([made])
        await uow.jobs.add(made.job(uuid4(), api.clock.now()))

    async def switch_on() -> None:
        assert (await api.call("PATCH", path, as_=root, json={"is_active": True})).status_code == 200

    await _interrupted(api, switch_on)
    assert [each["status"] for each in await deliveries(api, root, webhook)] == ["delivered"]


async def _interrupted(api: Api, meanwhile: Callable[[], Awaitable[object]]) -> None:
    """All that is due is done; once, something happens between reading a delivery and what is done about it."""
    kind = api.application.runner.kinds["send-webhook"]
    sending = kind.work.__self__.webhook_sending  # type: ignore[attr-defined]
    cut = replace(sending, queries=Interrupted(sending.queries, meanwhile))
    api.application.runner.kinds["send-webhook"] = replace(kind, work=cut.work)
    await api.application.runner.drain()


async def test_a_lane_whose_job_was_lost_is_found_again(api: Api, receiver: Receiver) -> None:
    """As if it had died of a defect: the next look at what is overdue brings another one."""
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url, "product.*")
    await api.application.products.create_product(OPERATOR, sku="mug", name="x", price=1, currency="EUR")
    await api.application.products.update_product(OPERATOR, sku="mug", price=2)
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        now = api.clock.now()
        jobs = await uow.jobs.claim(
            ["send-webhook"], now, lease_id=api.application.runner.ids.new(), until=now, limit=9
        )
        assert len(jobs) == 2
        for job in jobs:
            await uow.jobs.save(job.cancelled(now))
    await api.application.runner.drain()
    assert receiver.received == []
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        await api.application.runner.plan(uow)
    api.clock.advance(seconds=timedelta(minutes=6).total_seconds())
    await api.application.runner.drain()
    assert [each.json["type"] for each in receiver.received] == ["product.created", "product.updated"]
    assert [each["status"] for each in await deliveries(api, root, webhook)] == ["delivered"] * 2


async def test_all_that_waits_for_a_receiver_that_is_away_has_failed_after_three_days(
    api: Api, receiver: Receiver
) -> None:
    """Though it is let alone nearly all the time: not each of them was tried so often, and most of them never."""
    _, root = await api.admin()
    receiver.usually = answering(500)
    webhook = await subscribed(api, root, receiver.url, "user.created", "product.*")
    catalogue = api.application.products
    await catalogue.create_product(OPERATOR, sku="mug", name="x", price=1, currency="EUR")
    await catalogue.update_product(OPERATOR, sku="mug", price=2)
    for number in range(40):
        await api.application.identity.create_user(OPERATOR, email=f"m{number}@example.com")
    await api.application.runner.drain()
    for _ in range(71):
        await went_on(api, timedelta(hours=1))
    await api.application.identity.create_user(OPERATOR, email="late@example.com")
    for _ in range(12):
        await went_on(api, timedelta(minutes=15))
    root = await api.log_in("root")
    [late] = await deliveries(api, root, webhook, status="pending")
    failed = await deliveries(api, root, webhook, status="failed", page_size=100)
    assert len(failed) == 42
    assert any(each["error"] == AWAY and each["attempts"] == 0 for each in failed)
    receiver.usually = answering(200)
    for _ in range(5):
        await went_on(api, timedelta(hours=1))
    assert [each["id"] for each in await deliveries(api, root, webhook, status="delivered")] == [late["id"]]


@pytest.mark.parametrize("switches", [False, True])
async def test_what_waits_goes_at_once_where_the_webhook_leads_now(
    api: Api, receiver: Receiver, switches: bool
) -> None:
    """Whoever changes the address, or switches it on again, has mended something."""
    _, root = await api.admin()
    receiver.usually = answering(503, "Retry-After: 7200")
    webhook = await subscribed(api, root, receiver.url, "user.created")
    path = f"/webhooks/{webhook['id']}"
    for number in range(9):
        await api.application.identity.create_user(OPERATOR, email=f"m{number}@example.com")
    await api.application.runner.drain()
    async with receiving() as mended:
        if switches:
            await api.call("PATCH", path, as_=root, json={"is_active": False})
            await api.application.identity.create_user(OPERATOR, email="late@example.com")
        changes = {"is_active": True, "url": mended.url}
        assert (await api.call("PATCH", path, as_=root, json=changes)).status_code == 200
        await api.application.identity.create_user(OPERATOR, email="later@example.com")
        for _ in range(5):
            await api.application.runner.drain()
            api.clock.advance(seconds=1)
        assert len(mended.received) == (1 if switches else 10)


async def test_a_span_is_repeated_in_the_moment_in_which_it_happened_and_counted_on_after_a_kill(
    api: Api, receiver: Receiver
) -> None:
    _, root = await api.admin()
    webhook = await subscribed(api, root, receiver.url, "user.created")
    since = api.clock.now()
    await api.member("ada")
    await api.application.runner.drain()
    span = {"since": since.isoformat(), "until": (since + timedelta(hours=1)).isoformat()}
    job = (await api.call("POST", f"/webhooks/{webhook['id']}/deliveries/replay", as_=root, json=span)).json()
    async with api.application.jobs.retry_job.transactions.begin() as uow:
        stored = await uow.jobs.get(UUID(job["id"]))
        assert stored is not None
        await uow.jobs.save(replace(stored, progress=Progress(100)))
    await api.application.runner.drain()
    done = (await api.call("GET", f"/jobs/{job['id']}", as_=root)).json()
    assert (done["status"], done["result"]) == ("succeeded", {"deliveries": 101})
    assert len(receiver.received) == 2
