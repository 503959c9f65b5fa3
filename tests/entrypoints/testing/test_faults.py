"""What becomes of a use case whose ports fail, are slow, or answer too late."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from io import BytesIO

import pytest

from application.paging import PageRequest
from domain.access.actor import ANONYMOUS
from domain.errors import Conflict, Invalid, MoothallError, Unavailable
from domain.orders.order import Wanted
from entrypoints.testing.faults import NAMES, How, spared
from entrypoints.testing.house import House
from tests.entrypoints.testing.conftest import OPERATOR
from tests.pictures import a_picture
from tests.webhook_receiver import receiving

PASSWORD = "copper-meadow-63-tide"
NUMBERS = itertools.count()


async def register(house: House) -> None:
    await house.application.identity.register(ANONYMOUS, email="ada@example.com", password=PASSWORD)


async def list_users(house: House) -> None:
    await house.application.identity.list_users(OPERATOR, page=PageRequest(cursor=""))


async def replace_avatar(house: House) -> None:
    user = await house.make_user(f"member{next(NUMBERS)}@example.com")
    await house.application.profiles.replace_avatar(OPERATOR, user_id=user.id, image=BytesIO(a_picture()))


async def pay(house: House) -> None:
    user = await house.make_user(f"member{next(NUMBERS)}@example.com")
    sku = f"mug-{next(NUMBERS)}"
    await house.application.products.create_product(OPERATOR, sku=sku, name="Mug", price=100, currency="EUR")
    orders = house.application.orders
    placed = await orders.place_order(OPERATOR, user_id=user.id, lines=[Wanted(sku, 1)])
    await orders.pay_order(OPERATOR, order_id=placed.value.id, gateway="sandbox")


@pytest.mark.parametrize(
    ("port", "use", "code"),
    [
        ("database", register, "database-unavailable"),
        ("database", list_users, "database-unavailable"),
        ("transactions", register, "database-unavailable"),
        ("queries", list_users, "database-unavailable"),
        ("password-hasher", register, "busy"),
        ("blob-store", replace_avatar, "blobs-unavailable"),
        ("payment-gateway", pay, "gateway-unavailable"),
    ],
)
async def test_a_port_that_fails_is_told_and_is_well_again_afterwards(
    house: House, port: str, use: Callable[[House], Awaitable[None]], code: str
) -> None:
    house.faults.plan(port, How.FAIL)
    with pytest.raises(Unavailable) as failed:
        await use(house)
    assert failed.value.code == code
    await use(house)


async def test_what_is_too_late_has_happened_all_the_same(house: House) -> None:
    house.faults.plan("transactions", How.LATE)
    with pytest.raises(Unavailable):
        await register(house)
    with pytest.raises(Conflict):
        await register(house)


async def test_what_fails_has_not_happened(house: House) -> None:
    house.faults.plan("transactions", How.FAIL)
    with pytest.raises(Unavailable):
        await register(house)
    await register(house)


async def test_what_is_slow_is_done_after_a_while(house: House) -> None:
    house.faults.plan("queries", How.SLOW, seconds=0.2)
    began = time.monotonic()
    await list_users(house)
    assert time.monotonic() - began >= 0.2


async def test_it_fails_as_often_as_was_planned(house: House) -> None:
    house.faults.plan("queries", How.FAIL, times=3)
    outcomes = []
    for _ in range(5):
        try:
            await list_users(house)
        except MoothallError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("well")
    assert outcomes == ["database-unavailable"] * 3 + ["well"] * 2


async def test_no_times_ends_what_was_planned_for_that_port_alone(house: House) -> None:
    house.faults.plan("queries", How.FAIL, times=100)
    house.faults.plan("transactions", How.FAIL)
    house.faults.plan("queries", How.FAIL, times=0)
    await list_users(house)
    with pytest.raises(Unavailable):
        await register(house)


async def test_a_mail_that_could_not_be_sent_is_sent_later(house: House) -> None:
    house.faults.plan("mailer", How.FAIL)
    await register(house)
    await house.drain()
    assert house.mails() == []
    house.clock.advance(3600)
    await house.drain()
    assert [mail.to for mail in house.mails()] == ["ada@example.com"]


async def test_a_mail_whose_receipt_was_lost_is_sent_again_as_the_same_one(house: House) -> None:
    house.faults.plan("mailer", How.LATE)
    await register(house)
    await house.drain()
    assert len(house.mails()) == 1
    house.clock.advance(3600)
    await house.drain()
    assert len(house.mails()) == 1


async def test_a_webhook_that_did_not_arrive_is_tried_again(house: House) -> None:
    async with receiving() as receiver:
        await house.application.webhooks.create_webhook(OPERATOR, url=receiver.url, events=["user.created"])
        house.faults.plan("webhook-sender", How.FAIL)
        await register(house)
        await house.drain()
        assert receiver.received == []
        house.clock.advance(86_400)
        await house.drain()
        assert len(receiver.received) == 1


@pytest.mark.parametrize("spelt", ["BlobStore", "blob_store", "blob-store", "BLOB-STORE"])
async def test_ports_are_known_however_they_are_spelt(house: House, spelt: str) -> None:
    house.faults.plan(spelt, How.FAIL)
    with pytest.raises(Unavailable):
        await replace_avatar(house)


async def test_an_unknown_port_is_refused_and_told_what_there_is(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        house.faults.plan("printer", How.FAIL)
    assert refused.value.code == "unknown-port"
    assert all(name in refused.value.detail for name in NAMES)


async def test_what_works_beside_the_requests_uses_up_no_fault_of_the_database(house: House) -> None:
    house.faults.plan("database", How.FAIL)
    with spared():
        await list_users(house)
    await house.drain()
    with pytest.raises(Unavailable):
        await list_users(house)


async def test_callers_at_once_share_what_was_planned(house: House) -> None:
    house.faults.plan("queries", How.FAIL, times=2)
    outcomes = await asyncio.gather(*(list_users(house) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 2
