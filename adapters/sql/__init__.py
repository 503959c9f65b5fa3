"""PostgreSQL and SQLite, through SQLAlchemy Core: explicit SQL, plain mappers, no mapped classes."""

from adapters.sql.access_queries import SqlAccessQueries
from adapters.sql.audit_queries import SqlAuditQueries
from adapters.sql.engine import Database, create_engine
from adapters.sql.health import SqlHealth
from adapters.sql.idempotency import SqlIdempotencyQueries
from adapters.sql.import_queries import SqlImportQueries
from adapters.sql.job_queries import SqlJobQueries
from adapters.sql.live_queries import SqlLiveQueries
from adapters.sql.notification_queries import SqlNotificationQueries
from adapters.sql.orders import SqlOrderQueries
from adapters.sql.pool import SqlConnections
from adapters.sql.post_queries import SqlPostQueries
from adapters.sql.products import SqlProductQueries
from adapters.sql.profiles import SqlProfileQueries
from adapters.sql.queries import SqlIdentityQueries
from adapters.sql.reading import Reader
from adapters.sql.schema import Schema
from adapters.sql.unit_of_work import SqlTransactions
from adapters.sql.webhook_queries import SqlWebhookQueries

__all__ = [
    "Database",
    "Reader",
    "Schema",
    "SqlAccessQueries",
    "SqlAuditQueries",
    "SqlConnections",
    "SqlHealth",
    "SqlIdempotencyQueries",
    "SqlIdentityQueries",
    "SqlImportQueries",
    "SqlJobQueries",
    "SqlLiveQueries",
    "SqlNotificationQueries",
    "SqlOrderQueries",
    "SqlPostQueries",
    "SqlProductQueries",
    "SqlProfileQueries",
    "SqlTransactions",
    "SqlWebhookQueries",
    "create_engine",
]
