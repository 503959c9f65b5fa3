"""What telling webhooks costs a change: where nobody subscribed, nothing on PostgreSQL, and one look on SQLite."""

import pytest

from tests.entrypoints.http.client import OPERATOR, Api
from tests.entrypoints.http.shop import Shop
from tests.entrypoints.http.test_statement_counts import settings, store_name, watched
from tests.entrypoints.http.test_webhooks import URL, deliveries, subscribed
from tests.statements import Statements
from tests.stores import POSTGRESQL

__all__ = ["settings", "store_name", "watched"]


def about_webhooks(statements: Statements) -> list[str]:
    return [statement for statement in statements.taken() if "webhook" in statement]


@pytest.mark.parametrize("subscribes_to", [None, "post.*"])
async def test_an_order_costs_nothing_more_where_nobody_wants_to_know(
    api: Api, store_name: str, watched: tuple[str, Statements], subscribes_to: str | None
) -> None:
    shop = await Shop.opened(api)
    await shop.product("mug", stock=None)
    _, ada = await api.member("ada")
    if subscribes_to is not None:
        await subscribed(api, shop.keeper, URL, subscribes_to)
    await shop.placed(ada, mug=1)
    watched[1].taken()
    await shop.placed(ada, mug=1)
    assert len(about_webhooks(watched[1])) == (0 if store_name == POSTGRESQL else 1)


async def test_an_event_that_nobody_wants_is_not_stored(api: Api, watched: tuple[str, Statements]) -> None:
    await api.application.products.create_product(OPERATOR, sku="mug", name="x", price=1, currency="EUR")
    watched[1].taken()
    await api.application.products.update_product(OPERATOR, sku="mug", price=2)
    statements = watched[1].taken()
    assert statements
    assert not [statement for statement in statements if "INTO events" in statement or "INTO jobs" in statement]


async def test_what_is_wanted_is_stored_for_whoever_wants_it_alone(api: Api, watched: tuple[str, Statements]) -> None:
    _, root = await api.admin()
    webhooks = [await subscribed(api, root, URL, events) for events in ("product.*", "*", "order.*")]
    await api.application.products.create_product(OPERATOR, sku="mug", name="x", price=1, currency="EUR")
    watched[1].taken()
    await api.application.products.update_product(OPERATOR, sku="mug", price=2)
    statements = watched[1].taken()
    assert len([statement for statement in statements if "INTO webhook_deliveries" in statement]) == 1
    assert len([statement for statement in statements if "INTO jobs" in statement]) == 1
    assert [len(await deliveries(api, root, webhook)) for webhook in webhooks] == [2, 2, 0]
    assert not [statement for statement in statements if "INTO events" in statement]
