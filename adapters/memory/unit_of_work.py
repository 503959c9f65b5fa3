"""One writer at a time; what it changed becomes visible at once, at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.audit import MemoryAuditTrail
from adapters.memory.changes import MemoryChanges
from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.events import MemoryEvents
from adapters.memory.idempotency import MemoryKeptAnswers
from adapters.memory.imports import MemoryImports
from adapters.memory.jobs import MemoryJobs
from adapters.memory.notifications import MemoryBroadcasts, MemoryNotifications, MemoryPreferences
from adapters.memory.one_time_tokens import MemoryOneTimeTokens
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryPayments
from adapters.memory.posts import MemoryPosts
from adapters.memory.products import MemoryProducts
from adapters.memory.profiles import MemoryProfiles
from adapters.memory.roles import MemoryRoles
from adapters.memory.rooms import MemoryRooms, MemoryTickets
from adapters.memory.sessions import MemorySessions
from adapters.memory.signing_keys import MemorySigningKeys
from adapters.memory.users import MemoryUsers
from adapters.memory.webhooks import MemoryWebhookDeliveries, MemoryWebhooks
from adapters.wake_ups import Bell
from application.live.told import Told
from application.unit_of_work import Transactions, UnitOfWork


class MemoryUnitOfWork(UnitOfWork):
    __slots__ = (
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

    users: MemoryUsers
    sessions: MemorySessions
    one_time_tokens: MemoryOneTimeTokens
    signing_keys: MemorySigningKeys
    roles: MemoryRoles
    api_keys: MemoryApiKeys
    audit: MemoryAuditTrail
    idempotency: MemoryKeptAnswers
    events: MemoryEvents
    jobs: MemoryJobs
    imports: MemoryImports
    profiles: MemoryProfiles
    products: MemoryProducts
    orders: MemoryOrders
    payments: MemoryPayments
    notifications: MemoryNotifications
    broadcasts: MemoryBroadcasts
    preferences: MemoryPreferences
    posts: MemoryPosts
    rooms: MemoryRooms
    live_tickets: MemoryTickets
    told: list[Told]
    webhooks: MemoryWebhooks
    webhook_deliveries: MemoryWebhookDeliveries

    def __init__(self, changes: Changes) -> None:
        self.users = MemoryUsers(changes)
        self.sessions = MemorySessions(changes)
        self.one_time_tokens = MemoryOneTimeTokens(changes)
        self.signing_keys = MemorySigningKeys(changes)
        self.roles = MemoryRoles(changes)
        self.api_keys = MemoryApiKeys(changes)
        self.audit = MemoryAuditTrail(changes)
        self.idempotency = MemoryKeptAnswers(changes)
        self.events = MemoryEvents(changes)
        self.jobs = MemoryJobs(changes)
        self.imports = MemoryImports(changes)
        self.profiles = MemoryProfiles(changes)
        self.products = MemoryProducts(changes)
        self.orders = MemoryOrders(changes)
        self.payments = MemoryPayments(changes)
        self.notifications = MemoryNotifications(changes)
        self.broadcasts = MemoryBroadcasts(changes)
        self.preferences = MemoryPreferences(changes)
        self.posts = MemoryPosts(changes)
        self.rooms = MemoryRooms(changes)
        self.live_tickets = MemoryTickets(changes)
        self.told = []
        self.webhooks = MemoryWebhooks(changes)
        self.webhook_deliveries = MemoryWebhookDeliveries(changes)

    async def serialise(self, name: str) -> None:
        """There is one writer at a time anyway."""


class MemoryTransactions(Transactions):
    """`wake_ups` hears of work that was left, `changes` of every commit."""

    def __init__(self, database: MemoryDatabase) -> None:
        self.wake_ups = Bell()
        self.changes = MemoryChanges(database)
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._database.writer:
            changes = Changes(self._database)
            yield MemoryUnitOfWork(changes)
            changes.commit()
            self._database.commits += 1
        if changes.left_work:
            self.wake_ups.ring()
