"""How each list is filled with rows, for whoever counts what it costs to read them.

Rows are stored straight through the repositories. What a row shows of another thing (its author, its owner) is
another thing for each row: of one and the same, a cache would hide how often it is read.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from application.app import Application
from application.unit_of_work import UnitOfWork
from domain.identity.user import User
from tests.clock import OwnClock
from tests.contracts.builders import (
    a_line,
    a_notification,
    a_post_by,
    a_product,
    a_role,
    a_room,
    a_session,
    a_user,
    a_webhook,
    a_webhook_delivery,
    an_api_key,
    an_entry,
    an_order,
)
from tests.entrypoints.work import a_delivery, a_job, store


@dataclass(frozen=True)
class House:
    """The service, and the administrator who reads its lists."""

    application: Application
    clock: OwnClock
    reader_id: UUID

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.application.identity.log_in.transactions.begin()

    def path(self, template: str) -> str:
        """Of the reader's own things."""
        return template.replace("{user_id}", str(self.reader_id)).replace("{webhook_id}", str(self.reader_id))

    async def reader(self) -> User:
        async with self.begin() as uow:
            found = await uow.users.get(self.reader_id)
        assert found is not None
        return found

    async def members(self, n: int) -> list[User]:
        now = self.clock.now()
        made = [a_user(uuid4().hex, created_at=now, updated_at=now) for _ in range(n)]
        async with self.begin() as uow:
            for user in made:
                await uow.users.add(user)
        return made


async def users(house: House, n: int) -> None:
    await house.members(n)


async def sessions(house: House, n: int) -> None:
    reader, now = await house.reader(), house.clock.now()
    async with house.begin() as uow:
        for _ in range(n):
            session = a_session(reader, created_at=now, last_used_at=now, expires_at=now + timedelta(hours=1))
            await uow.sessions.add(session)


async def api_keys(house: House, n: int) -> None:
    reader = await house.reader()
    async with house.begin() as uow:
        for _ in range(n):
            await uow.api_keys.add(an_api_key(reader, "users:read", created_at=house.clock.now()))


async def roles(house: House, n: int) -> None:
    async with house.begin() as uow:
        for _ in range(n):
            await uow.roles.add(a_role(f"r{uuid4().hex}", "users:read", "roles:read", created_at=house.clock.now()))


async def jobs(house: House, n: int) -> None:
    owners, now = await house.members(n), house.clock.now()
    await store(house.application, *(a_job(now, owner.id) for owner in owners))


async def failed_deliveries(house: House, n: int) -> None:
    await store(house.application, *(a_delivery(house.clock.now()) for _ in range(n)))


async def audit(house: House, n: int) -> None:
    members, now = await house.members(n), house.clock.now()
    async with house.begin() as uow:
        for member in members:
            await uow.audit.add(an_entry(at=now, actor=f"user:{member.id}", subject=str(member.id)))


async def products(house: House, n: int) -> None:
    now = house.clock.now()
    async with house.begin() as uow:
        for _ in range(n):
            await uow.products.add(a_product(uuid4().hex, created_at=now, updated_at=now))


async def orders(house: House, n: int) -> None:
    """Of other members, with other lines each."""
    members = await house.members(n)
    async with house.begin() as uow:
        for member in members:
            lines = [a_line(a_product(uuid4().hex)) for _ in range(3)]
            await uow.orders.add(an_order(member, *lines, placed_at=house.clock.now()))


async def posts(house: House, n: int) -> None:
    """Each by another author."""
    authors, now = await house.members(n), house.clock.now()
    async with house.begin() as uow:
        for author in authors:
            await uow.posts.add(a_post_by(author, created_at=now, updated_at=now, published_at=now))


async def posts_of(house: House, n: int) -> None:
    reader, now = await house.reader(), house.clock.now()
    async with house.begin() as uow:
        for _ in range(n):
            await uow.posts.add(a_post_by(reader, created_at=now, updated_at=now, published_at=now))


async def notifications(house: House, n: int) -> None:
    reader, now = await house.reader(), house.clock.now()
    async with house.begin() as uow:
        for _ in range(n):
            await uow.notifications.add(a_notification(reader, created_at=now))


async def rooms(house: House, n: int) -> None:
    async with house.begin() as uow:
        for _ in range(n):
            await uow.rooms.add(a_room(f"r{uuid4().hex}", permission="users:read", created_at=house.clock.now()))


async def webhooks(house: House, n: int) -> None:
    async with house.begin() as uow:
        for _ in range(n):
            await uow.webhooks.add(a_webhook(created_at=house.clock.now()))


async def webhook_deliveries(house: House, n: int) -> None:
    """Of other events each, to the webhook that is named after the reader."""
    async with house.begin() as uow:
        if await uow.webhooks.get(house.reader_id) is None:
            await uow.webhooks.add(a_webhook(id=house.reader_id))
        made = [a_webhook_delivery(house.reader_id, created_at=house.clock.now()) for _ in range(n)]
        await uow.webhook_deliveries.add(made)


Filler = Callable[[House, int], Awaitable[None]]
"""Adds so many rows to a list, as the administrator of the house reads it."""

FILLERS: Mapping[str, Filler] = {
    "list_users": users,
    "list_my_sessions": sessions,
    "list_sessions_of": sessions,
    "list_api_keys": api_keys,
    "list_roles": roles,
    "list_jobs": jobs,
    "list_failed_deliveries": failed_deliveries,
    "list_audit": audit,
    "list_products": products,
    "list_orders": orders,
    "list_posts": posts,
    "list_posts_of": posts_of,
    "list_notifications": notifications,
    "list_rooms": rooms,
    "list_webhooks": webhooks,
    "list_webhook_deliveries": webhook_deliveries,
}

WITHOUT_ROWS: Mapping[str, str] = {
    "list_permissions": "they stand in the code",
}
