"""BEGIN to COMMIT, in one place."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sql.api_keys import SqlApiKeys
from adapters.sql.audit import SqlAuditTrail
from adapters.sql.engine import is_sqlite, timeout_of
from adapters.sql.events import SqlEvents
from adapters.sql.failures import translated
from adapters.sql.idempotency import SqlKeptAnswers
from adapters.sql.imports import SqlImports
from adapters.sql.jobs import SqlJobs
from adapters.sql.live_tickets import SqlTickets
from adapters.sql.lookups import CompiledStatements
from adapters.sql.news import News, news_of
from adapters.sql.notifications import SqlBroadcasts, SqlNotifications, SqlPreferences
from adapters.sql.one_time_tokens import SqlOneTimeTokens
from adapters.sql.orders import SqlOrders
from adapters.sql.payments import SqlPayments
from adapters.sql.posts import SqlPosts
from adapters.sql.products import SqlProducts
from adapters.sql.profiles import SqlProfiles
from adapters.sql.roles import SqlRoles
from adapters.sql.rooms import SqlRooms
from adapters.sql.sessions import SqlSessions
from adapters.sql.signing_keys import SqlSigningKeys
from adapters.sql.turns import Turns
from adapters.sql.uninterrupted import to_its_end
from adapters.sql.users import SqlUsers
from adapters.sql.webhook_deliveries import SqlWebhookDeliveries
from adapters.sql.webhooks import SqlWebhooks
from adapters.sql.work import Work
from application.live.told import Told
from application.unit_of_work import Transactions, UnitOfWork

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Whatever the server's default: behind a lock that was waited for, the others' changes have to be seen."""

_LOCK_NAME = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


class SqlUnitOfWork(UnitOfWork):
    __slots__ = (
        "_one_writer",
        "_work",
        "api_keys",
        "audit",
        "broadcasts",
        "events",
        "idempotency",
        "imports",
        "jobs",
        "live_tickets",
        "notifications",
        "one_time_tokens",
        "orders",
        "payments",
        "posts",
        "preferences",
        "products",
        "profiles",
        "roles",
        "rooms",
        "sessions",
        "signing_keys",
        "told",
        "users",
        "webhook_deliveries",
        "webhooks",
    )

    users: SqlUsers
    sessions: SqlSessions
    one_time_tokens: SqlOneTimeTokens
    signing_keys: SqlSigningKeys
    roles: SqlRoles
    api_keys: SqlApiKeys
    audit: SqlAuditTrail
    idempotency: SqlKeptAnswers
    events: SqlEvents
    jobs: SqlJobs
    imports: SqlImports
    profiles: SqlProfiles
    products: SqlProducts
    orders: SqlOrders
    payments: SqlPayments
    notifications: SqlNotifications
    broadcasts: SqlBroadcasts
    preferences: SqlPreferences
    posts: SqlPosts
    rooms: SqlRooms
    live_tickets: SqlTickets
    told: list[Told]
    webhooks: SqlWebhooks
    webhook_deliveries: SqlWebhookDeliveries

    def __init__(self, work: Work, *, one_writer: bool) -> None:
        self.users = SqlUsers(work)
        self.sessions = SqlSessions(work)
        self.one_time_tokens = SqlOneTimeTokens(work)
        self.signing_keys = SqlSigningKeys(work)
        self.roles = SqlRoles(work)
        self.api_keys = SqlApiKeys(work)
        self.audit = SqlAuditTrail(work)
        self.idempotency = SqlKeptAnswers(work)
        self.events = SqlEvents(work)
        self.jobs = SqlJobs(work)
        self.imports = SqlImports(work)
        self.profiles = SqlProfiles(work)
        self.products = SqlProducts(work)
        self.orders = SqlOrders(work)
        self.payments = SqlPayments(work)
        self.notifications = SqlNotifications(work)
        self.broadcasts = SqlBroadcasts(work)
        self.preferences = SqlPreferences(work)
        self.posts = SqlPosts(work)
        self.rooms = SqlRooms(work)
        self.live_tickets = SqlTickets(work)
        self.told = []
        self.webhooks = SqlWebhooks(work)
        self.webhook_deliveries = SqlWebhookDeliveries(work)
        self._work = work
        self._one_writer = one_writer

    async def serialise(self, name: str) -> None:
        if not self._one_writer:
            await self._work.execute(_LOCK_NAME, {"name": f"moothall:{name}"})


class SqlTransactions(Transactions):
    """On SQLite, units of work of this process wait for each other in a queue, in their order: SQLite itself lets those
    who wait try again and again, and whoever is lucky goes first. What was committed is made known by `news`."""

    def __init__(self, engine: AsyncEngine, news: News | None = None) -> None:
        self.news = news or news_of(engine)
        self._engine = engine
        self._one_writer = is_sqlite(engine.url)
        self._statements = CompiledStatements(engine.dialect)
        self._begin = "BEGIN IMMEDIATE" if self._one_writer else _BEGIN
        self.turns = Turns(1, timeout=timeout_of(engine))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._turn(), self._connected() as connection:
            work = Work(connection, self._statements)
            try:
                await work.command(self._begin)
                yield SqlUnitOfWork(work, one_writer=self._one_writer)
                if work.spoilt_by is not None:
                    raise work.spoilt_by
                await self.news.commit(work)
            except BaseException:
                await to_its_end(_roll_back(connection))
                raise

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self._queued() if self._one_writer else nullcontext()

    @asynccontextmanager
    async def _queued(self) -> AsyncIterator[None]:
        await self.turns.take()
        try:
            yield
        finally:
            self.turns.give_back()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            connection = await self._engine.connect()
        try:
            yield connection
        finally:
            await to_its_end(connection.close())


async def _roll_back(connection: AsyncConnection) -> None:
    """Whatever happens, the connection does not go back to the pool within a transaction."""
    if connection.invalidated:
        return
    try:
        await connection.exec_driver_sql("ROLLBACK")
    except Exception:
        with suppress(Exception):
            await connection.invalidate()
