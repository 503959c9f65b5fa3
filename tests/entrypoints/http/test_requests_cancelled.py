"""A client that goes away at any moment: all of its request happened or nothing, and nothing is left open (S33)."""

from uuid import uuid4

from tests.contracts.test_cancellation import MORE_THAN_ENOUGH, Cut
from tests.entrypoints.http.client import Api, Tokens
from tests.entrypoints.http.shop import Shop
from tests.stores import MEMORY


async def test_an_order_whose_client_goes_away_at_any_wait_is_placed_whole_or_not_at_all(
    api: Api, store_name: str
) -> None:
    """And who asks again with the key has it once. Memory waits for nobody before it commits."""
    shop = await Shop.opened(api)
    await shop.product(stock=MORE_THAN_ENOUGH)
    _, ada = await api.member()
    outcomes = set()
    for n in range(1, MORE_THAN_ENOUGH):
        key = uuid4().hex
        before = await shop.stock()
        cut = Cut(_place(shop, ada, key), at=n)
        await cut.run()
        assert before is not None
        after = await shop.stock()
        assert after in (before, before - 1)
        assert _connections_in_use(api) == 0, n
        outcomes.add(after == before)
        again = await shop.place(ada, key, mug=1)
        assert again.status_code == 201, again.text
        assert await shop.stock() == before - 1
        if not cut.reached:
            break
    else:
        raise AssertionError("the request never ended")
    assert outcomes == ({False} if store_name == MEMORY else {False, True})
    assert (await api.call("GET", "/orders?page_size=1", as_=ada)).json()["total"] == n


async def _place(shop: Shop, tokens: Tokens, key: str) -> None:
    await shop.place(tokens, key, mug=1)


def _connections_in_use(api: Api) -> int:
    connections = api.application.load.connections
    return 0 if connections is None else connections.usage().in_use
