"""The stores that one suite is run on, each clean and up to date."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.memory import (
    MemoryAccessQueries,
    MemoryAuditQueries,
    MemoryDatabase,
    MemoryHealth,
    MemoryIdempotencyQueries,
    MemoryIdentityQueries,
    MemoryImportQueries,
    MemoryJobQueries,
    MemoryLiveQueries,
    MemoryNotificationQueries,
    MemoryOrderQueries,
    MemoryPostQueries,
    MemoryProductQueries,
    MemoryProfileQueries,
    MemoryTransactions,
    MemoryWebhookQueries,
)
from adapters.sql import (
    Database,
    Reader,
    Schema,
    SqlAccessQueries,
    SqlAuditQueries,
    SqlHealth,
    SqlIdempotencyQueries,
    SqlIdentityQueries,
    SqlImportQueries,
    SqlJobQueries,
    SqlLiveQueries,
    SqlNotificationQueries,
    SqlOrderQueries,
    SqlPostQueries,
    SqlProductQueries,
    SqlProfileQueries,
    SqlTransactions,
    SqlWebhookQueries,
    create_engine,
)
from adapters.sql.tables import metadata
from application.access.ports import AccessQueries
from application.audit.ports import AuditQueries
from application.idempotency import IdempotencyQueries
from application.identity.ports import IdentityQueries
from application.imports.ports import ImportQueries
from application.jobs.ports import JobQueries
from application.live.ports import LiveQueries
from application.notifications.ports import NotificationQueries
from application.orders.ports import OrderQueries
from application.ports import StoreHealth, WakeUps
from application.posts.ports import PostQueries
from application.products.ports import ProductQueries
from application.profiles.ports import ProfileQueries
from application.remembering import Changes
from application.unit_of_work import Transactions
from application.webhooks.ports import WebhookQueries
from domain.access.roles import BUILT_IN_ROLES
from tests.services import execute, postgres_url, wait_for

MEMORY = "memory"
SQLITE = "sqlite"
POSTGRESQL = "postgresql"
BUILT_IN = "INSERT INTO roles VALUES " + ", ".join(  # noqa: S608
    f"('{role.id}', '{role.name}', '{role.description}', '{' '.join(role.permissions)}', '{role.created_at}',"
    f" '{role.updated_at}', 1)"
    for role in BUILT_IN_ROLES
)
"""The roles that a migrated database begins with."""
EMPTY = "; ".join([*(str(delete(table)) for table in reversed(metadata.sorted_tables)), BUILT_IN])
"""Back to that beginning, in one round trip."""
STORES = [MEMORY, SQLITE, POSTGRESQL]


@dataclass(frozen=True)
class Store:
    """The ports of one store; `engine` is None for memory."""

    name: str
    transactions: Transactions
    queries: IdentityQueries
    access: AccessQueries
    audit: AuditQueries
    idempotency: IdempotencyQueries
    jobs: JobQueries
    profiles: ProfileQueries
    products: ProductQueries
    orders: OrderQueries
    notifications: NotificationQueries
    wake_ups: WakeUps
    changes: Changes
    health: StoreHealth
    posts: PostQueries
    live: LiveQueries
    webhooks: WebhookQueries
    imports: ImportQueries
    engine: AsyncEngine | None = None


@asynccontextmanager
async def open_store(name: str, directory: Path, *, patience: float = 5.0) -> AsyncIterator[Store]:
    """An empty store; its files, where it has any, lie in the directory. `patience` is the database's timeout."""
    url = database_url(name, directory)
    if url is None:
        memory = MemoryDatabase()
        transactions = MemoryTransactions(memory)
        yield Store(
            name,
            transactions,
            MemoryIdentityQueries(memory),
            MemoryAccessQueries(memory),
            MemoryAuditQueries(memory),
            MemoryIdempotencyQueries(memory),
            MemoryJobQueries(memory),
            MemoryProfileQueries(memory),
            MemoryProductQueries(memory),
            MemoryOrderQueries(memory),
            MemoryNotificationQueries(memory),
            transactions.wake_ups,
            transactions.changes,
            MemoryHealth(),
            MemoryPostQueries(memory),
            MemoryLiveQueries(memory),
            MemoryWebhookQueries(memory),
            MemoryImportQueries(memory),
        )
        return
    async with opened_at(name, url, patience=patience) as store:
        yield store


@asynccontextmanager
async def opened_at(name: str, url: str, *, patience: float = 5.0) -> AsyncIterator[Store]:
    """The database as it is, as one more process has it."""
    engine = create_engine(Database(url, timeout=patience))
    store = sql_store(name, engine)
    assert isinstance(store.transactions, SqlTransactions)
    try:
        yield store
    finally:
        await store.transactions.news.close()
        await engine.dispose()


def sql_store(name: str, engine: AsyncEngine) -> Store:
    reader = Reader(engine)
    transactions = SqlTransactions(engine)
    return Store(
        name,
        transactions,
        SqlIdentityQueries(reader),
        SqlAccessQueries(reader),
        SqlAuditQueries(reader),
        SqlIdempotencyQueries(reader),
        SqlJobQueries(reader),
        SqlProfileQueries(reader),
        SqlProductQueries(reader),
        SqlOrderQueries(reader),
        SqlNotificationQueries(reader),
        transactions.news.wake_ups,
        transactions.news.changes,
        SqlHealth(engine),
        SqlPostQueries(reader),
        SqlLiveQueries(reader),
        SqlWebhookQueries(reader),
        SqlImportQueries(reader),
        engine,
    )


def database_url(name: str, directory: Path) -> str | None:
    """A migrated and empty database of that kind; None for memory."""
    if name == MEMORY:
        return None
    if name == SQLITE:
        path = directory / "moothall.db"
        shutil.copy(_migrated_file(), path)
        return f"sqlite:///{path}"
    url = _migrated_server()
    wait_for(execute(url, EMPTY))
    return url


@cache
def _migrated_file() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="moothall-sqlite-"))
    atexit.register(shutil.rmtree, directory)
    path = directory / "moothall.db"
    wait_for(_migrate(str(path)))
    return path


@cache
def _migrated_server() -> str:
    wait_for(_migrate(postgres_url()))
    return postgres_url()


async def _migrate(url: str) -> None:
    engine = create_engine(Database(url))
    try:
        await Schema(engine).upgrade()
    finally:
        await engine.dispose()
