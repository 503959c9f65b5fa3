"""The club that `--seed demo` makes."""

from application.orders.views import OrderFilters
from application.paging import PageRequest
from domain.access.actor import ANONYMOUS
from domain.orders.order import OrderStatus
from entrypoints.testing import demo
from entrypoints.testing.house import House
from tests.entrypoints.testing.conftest import OPERATOR


async def test_there_is_something_of_everything_and_nothing_from_the_future(house: House) -> None:
    await demo.move_in(house)
    application, all_of_it = house.application, PageRequest(size=100)
    members = await application.identity.list_users(OPERATOR, page=all_of_it)
    assert {user.username for user in members.items} == {username for username, *_ in demo.MEMBERS}
    assert len({user.created_at for user in members.items}) == len(demo.MEMBERS)
    assert all(user.created_at < house.clock.now() for user in members.items)
    posts = await application.posts.list_posts(ANONYMOUS, page=all_of_it)
    assert len(posts.items) == sum(is_published for *_, is_published in demo.POSTS)
    products = await application.products.list_products(ANONYMOUS, page=all_of_it)
    assert len(products.items) == len(demo.PRODUCTS) - 1
    for status in OrderStatus:
        found = await application.orders.list_orders(OPERATOR, filters=OrderFilters(status=status))
        assert found.items, status
    assert house.mails() == []


async def test_its_members_can_sign_in(house: House) -> None:
    await demo.move_in(house)
    await house.application.identity.log_in(ANONYMOUS, login="ada", password=demo.PASSWORD)
    await house.drain()
    pair = await house.token_for("ada")
    caller = await house.application.identity.identify_caller(pair.access_token)
    told = await house.application.notifications.list_notifications(caller.actor)
    assert {"The moot is on Friday", "Your talk"} <= {one.title for one in told.items}
