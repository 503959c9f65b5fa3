"""The store that lives and dies with its process: for tests and for `--memory`, under the same contract as SQL."""

from adapters.memory.access_queries import MemoryAccessQueries
from adapters.memory.audit_queries import MemoryAuditQueries
from adapters.memory.database import MemoryDatabase
from adapters.memory.health import MemoryHealth
from adapters.memory.idempotency import MemoryIdempotencyQueries
from adapters.memory.imports import MemoryImportQueries
from adapters.memory.jobs import MemoryJobQueries
from adapters.memory.live_queries import MemoryLiveQueries
from adapters.memory.notifications import MemoryNotificationQueries
from adapters.memory.orders import MemoryOrderQueries
from adapters.memory.post_queries import MemoryPostQueries
from adapters.memory.products import MemoryProductQueries
from adapters.memory.profiles import MemoryProfileQueries
from adapters.memory.queries import MemoryIdentityQueries
from adapters.memory.unit_of_work import MemoryTransactions
from adapters.memory.webhooks import MemoryWebhookQueries

__all__ = [
    "MemoryAccessQueries",
    "MemoryAuditQueries",
    "MemoryDatabase",
    "MemoryHealth",
    "MemoryIdempotencyQueries",
    "MemoryIdentityQueries",
    "MemoryImportQueries",
    "MemoryJobQueries",
    "MemoryLiveQueries",
    "MemoryNotificationQueries",
    "MemoryOrderQueries",
    "MemoryPostQueries",
    "MemoryProductQueries",
    "MemoryProfileQueries",
    "MemoryTransactions",
    "MemoryWebhookQueries",
]
