"""kill -9 of workers that send to webhooks: nothing is lost, and each thing keeps its order."""

import asyncio
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from application.webhooks.views import DeliveryFilters
from domain.access.actor import PROCESS
from domain.webhooks.delivery import DeliveryStatus
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.drills.processes import kill, started
from tests.limits import UNLIMITED
from tests.stores import POSTGRESQL, SQLITE, database_url
from tests.webhook_receiver import receiving

PRODUCTS = 4
CHANGES = 12
KILLS = 3
LEASE = timedelta(seconds=1)
SOON = 90.0


def settings(url: str, directory: Path) -> Settings:
    return Settings(data_dir=directory, bcrypt_cost=4, database_url=url, webhooks_to_loopback=True, **UNLIMITED)


def work_for_ever(url: str, directory: Path) -> None:
    """In a process of its own."""

    async def work() -> None:
        async with open_application(settings(url, directory), lease=LEASE) as application:
            await application.runner.run(asyncio.Event())

    asyncio.run(work())


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
async def test_what_is_sent_survives_its_workers(store: str, tmp_path: Path) -> None:
    url = database_url(store, tmp_path)
    assert url is not None
    async with receiving() as receiver, open_application(settings(url, tmp_path), lease=LEASE) as application:
        webhooks, products = application.webhooks, application.products
        webhook = await webhooks.create_webhook(PROCESS, url=receiver.url, events=["product.*"])
        wanted: dict[str, list[int]] = defaultdict(list)
        for number in range(PRODUCTS):
            made = await products.create_product(PROCESS, sku=f"p{number}", name="x", price=1, currency="EUR")
            wanted[str(made.value.id)].append(0)
            for price in range(2, CHANGES + 2):
                await products.update_product(PROCESS, sku=f"p{number}", price=price)
        count = webhooks.list_webhook_deliveries.queries.count_deliveries
        total = PRODUCTS * (CHANGES + 1)
        deadline = time.monotonic() + SOON
        for killed in range(1, KILLS + 1):
            worker = started(work_for_ever, url, tmp_path)
            try:
                while len(receiver.received) < killed * total // (KILLS + 2):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.005)
            finally:
                await asyncio.to_thread(kill, worker)
        pending = DeliveryFilters(DeliveryStatus.PENDING)
        assert await count(webhook.value.id, pending) > 0, "it was over before the last one was killed"
        while await count(webhook.value.id, pending):
            assert time.monotonic() < deadline
            await application.runner.drain()
            await asyncio.sleep(0.05)
        assert await count(webhook.value.id, DeliveryFilters(DeliveryStatus.DELIVERED)) == total
    ids: dict[str, list[str]] = defaultdict(list)
    for message in receiver.received:
        subject = message.json["data"]["product_id"]
        if message.id not in ids[subject]:
            ids[subject].append(message.id)
        assert message.id == ids[subject][-1], "an older one came after a newer one"
        message.verified(webhook.value.secret)
    assert {subject: len(found) for subject, found in ids.items()} == dict.fromkeys(wanted, CHANGES + 1)
