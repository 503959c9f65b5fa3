"""`--seed demo`: a small club that has existed for a month, the same each time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from domain.orders.order import Wanted
from entrypoints.testing.house import TESTER, House

PASSWORD = "copper-meadow-63-tide"  # noqa: S105 # nosec B105 # told to everybody, and good in memory alone
"""Of every member."""

MEMBERS = (
    ("ada", "Ada", "Lovelace", ("member", "editor")),
    ("grace", "Grace", "Hopper", ("member", "admin")),
    ("hedy", "Hedy", "Lamarr", ("member", "shopkeeper")),
    ("alan", "Alan", "Turing", ("member",)),
    ("mary", "Mary", "Somerville", ("member",)),
    ("george", "George", "Boole", ("member",)),
    ("emmy", "Emmy", "Noether", ("member",)),
    ("srinivasa", "Srinivasa", "Ramanujan", ("member",)),
    ("sofia", "Sofia", "Kovalevskaya", ("member",)),
    ("charles", "Charles", "Babbage", ("member",)),
    ("annie", "Annie", "Cannon", ("member",)),
    ("joseph", "Joseph", "Jacquard", ("member",)),
)
DEACTIVATED = "charles"
UNVERIFIED = "joseph"

ROLES = (
    ("editor", "Looks after everybody's posts.", ("posts:read", "posts:update", "posts:delete")),
    ("shopkeeper", "Sees to products and orders.", ("products:*", "orders:*")),
)

POSTS = (
    ("ada", "Notes on an engine", "It weaves algebra as a loom weaves flowers.", True),
    ("mary", "On the connexion of things", "The moon, the tides, and why the sea is punctual.", True),
    ("emmy", "What stays the same", "Wherever there is a symmetry, something is kept.", True),
    ("george", "Either or", "A short course in thinking with two values.", True),
    ("annie", "O Be A Fine Guide", "How to sort a quarter of a million stars before lunch.", True),
    ("hedy", "Hopping", "Change the channel before they find it.", True),
    ("grace", "First actual case", "A moth was found in the relay, and is in the log book now.", True),
    ("alan", "Can it think?", "Ask it something, and listen.", True),
    ("ada", "Bernoulli, unfinished", "The seventh number still has to be checked.", False),
    ("sofia", "Spinning tops", "Three integrable cases, and only one of them is mine.", False),
)

PRODUCTS = (
    ("mug", "Club mug", 1250, "EUR", 40),
    ("scarf", "Club scarf", 2990, "EUR", 12),
    ("lantern", "Lantern for the moot", 8900, "EUR", 1),
    ("almanac", "Almanac of the year", 1800, "EUR", 0),
    ("talk", "Ticket for the talk", 500, "EUR", None),
    ("poster", "Last year's poster", 900, "EUR", 7),
)
"""What they cost is in minor units; the last column is the stock, None where it is not counted."""
WITHDRAWN = "poster"

ORDERS = (
    ("ada", (("mug", 2), ("talk", 1)), ("pay", "fulfil")),
    ("alan", (("scarf", 1),), ("pay", "fulfil")),
    ("mary", (("talk", 4),), ("pay",)),
    ("emmy", (("mug", 6),), ("pay", "refund")),
    ("george", (("lantern", 1),), ("cancel",)),
    ("sofia", (("scarf", 1), ("mug", 1)), ()),
    ("ada", (("talk", 2),), ()),
)

BEGAN = timedelta(days=30)
A_WHILE = timedelta(hours=20)
"""Between two things that happen; all together they take less than what there is since the beginning."""


async def move_in(house: House) -> None:
    """All mails that follow are sent, and forgotten."""
    house.clock.freeze(house.clock.now() - BEGAN)
    await _open_roles(house)
    ids = await _let_in(house)
    await _write(house, ids)
    await _sell(house, ids)
    await house.application.live.create_room(TESTER, name="lobby", title="The lobby")
    await _tell(house, ids)
    house.clock.restore()
    await house.drain()
    house.sent.clear()


async def _open_roles(house: House) -> None:
    for name, description, permissions in ROLES:
        await house.application.access.create_role(TESTER, name=name, description=description, permissions=permissions)


async def _let_in(house: House) -> dict[str, UUID]:
    ids = {}
    for username, first_name, last_name, roles in MEMBERS:
        made = await house.make_user(
            f"{username}@example.com",
            username=username,
            first_name=first_name,
            last_name=last_name,
            password=PASSWORD,
            is_verified=username != UNVERIFIED,
            roles=roles,
        )
        ids[username] = made.id
        _wait(house)
    await house.application.identity.update_user(TESTER, user_id=ids[DEACTIVATED], is_active=False)
    return ids


async def _write(house: House, ids: dict[str, UUID]) -> None:
    for username, title, content, is_published in POSTS:
        await house.application.posts.create_post(
            TESTER, user_id=ids[username], title=title, content=content, is_published=is_published
        )
        _wait(house)


async def _sell(house: House, ids: dict[str, UUID]) -> None:
    products, orders = house.application.products, house.application.orders
    for sku, name, price, currency, stock in PRODUCTS:
        await products.create_product(TESTER, sku=sku, name=name, price=price, currency=currency, stock=stock)
        _wait(house)
    await products.update_product(TESTER, sku=WITHDRAWN, is_active=False)
    steps: dict[str, Callable[..., Awaitable[object]]] = {
        "pay": orders.pay_order,
        "fulfil": orders.fulfil_order,
        "cancel": orders.cancel_order,
        "refund": orders.refund_order,
    }
    for username, lines, what_followed in ORDERS:
        placed = await orders.place_order(TESTER, user_id=ids[username], lines=[Wanted(*line) for line in lines])
        for step in what_followed:
            await steps[step](TESTER, order_id=placed.value.id)
        _wait(house)


async def _tell(house: House, ids: dict[str, UUID]) -> None:
    notifications = house.application.notifications
    await notifications.broadcast_notification(TESTER, title="The moot is on Friday", body="Bring the lantern.")
    await notifications.send_notification(TESTER, user_id=ids["ada"], title="Your talk", body="Is it ready?")


def _wait(house: House) -> None:
    house.clock.advance(A_WHILE)
