"""The tables. The names of constraints are an interface: `constraints.py` tells from them what was taken."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from adapters.sql.types import Key, Time

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False),
    Column("username", Text),
    Column("username_key", Key),
    Column("username_order", Key, nullable=False),  # the key or an empty text, so that lists can sort and go on
    Column("first_name", Text),
    Column("last_name", Text),
    Column("search_text", Key, nullable=False),  # as domain.text.search_text makes it
    Column("password_hash", Text),
    Column("is_active", Boolean, nullable=False),
    Column("is_verified", Boolean, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("last_login_at", Time),
    Column("version", Integer, nullable=False),
    UniqueConstraint("email_key"),
    UniqueConstraint("username_key"),
)

user_roles = Table(
    "user_roles",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", Key, nullable=False),
    # What holders are listed by, as it stands in `users`. Triggers write it where an INSERT does not.
    Column("is_active", Boolean),
    Column("is_verified", Boolean),
    Column("created_at", Time),
    Column("updated_at", Time),
    Column("email_key", Key),
    Column("username_order", Key),
    PrimaryKeyConstraint("user_id", "role"),
)

external_ids = Table(
    "external_ids",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("external_id", Key, nullable=False),  # what the account was called where it comes from
    UniqueConstraint("external_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("seed", LargeBinary, nullable=False),
    Column("secret_id", Text, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("rotated_at", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("last_used_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False, index=True),
    Column("address", Text),
    Column("user_agent", Text),
    # Of an impersonation. No foreign keys: each use looks whether the administrator's session is still there.
    Column("impersonator_id", Uuid),
    Column("impersonator_session_id", Uuid),
    Column("impersonator_permissions", Text),
)

roles = Table(
    "roles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Key, nullable=False),  # what `user_roles.role` names, without a foreign key: see docs/decisions/0017
    Column("description", Text),
    Column("permissions", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("name"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, index=True),
    Column("last_used_at", Time),
    UniqueConstraint("digest"),
    Index(None, "user_id", "created_at", "id"),
    Index(None, "created_at", "id"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("purpose", Key, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("secret_id", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False, index=True),
    Column("session_id", Uuid),
    UniqueConstraint("user_id", "purpose"),
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Time, nullable=False, index=True),
    Column("type", Key, nullable=False),
    Column("actor", Text, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("request_id", Text),
    Column("data", Text, nullable=False),  # JSON
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("args", Text, nullable=False),  # JSON
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE")),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE")),  # of a delivery
    Column("unique_key", Key),
    Column("created_at", Time, nullable=False),
    Column("due_at", Time),  # of a running one the end of its lease; null for one that is finished
    Column("status", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("strikes", Integer, nullable=False),
    Column("lease_id", Uuid),
    Column("cancel_requested", Boolean, nullable=False),
    Column("progress_done", BigInteger, nullable=False),
    Column("progress_total", BigInteger),
    Column("progress_rejected", BigInteger, nullable=False),
    Column("result", Text),  # JSON
    Column("error", Text),
    Column("started_at", Time),
    Column("finished_at", Time, index=True),
    UniqueConstraint("event_id", "kind"),
    Index(None, "created_at", "id"),
    Index(None, "owner_id", "created_at", "id"),
)
_unfinished = jobs.c.due_at.is_not(None)
_set_aside = jobs.c.event_id.is_not(None) & jobs.c.status.in_(("failed", "dead"))
Index("ix_jobs_due_at_id", jobs.c.due_at, jobs.c.id, postgresql_where=_unfinished, sqlite_where=_unfinished)
Index(
    "uq_jobs_unique_key_unfinished",
    jobs.c.unique_key,
    unique=True,
    postgresql_where=_unfinished,
    sqlite_where=_unfinished,
)
Index("ix_jobs_set_aside", jobs.c.finished_at, jobs.c.id, postgresql_where=_set_aside, sqlite_where=_set_aside)
_of_members = _unfinished & jobs.c.owner_id.is_not(None)
Index("ix_jobs_unfinished_of_members", jobs.c.id, postgresql_where=_of_members, sqlite_where=_of_members)

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("caller", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", Time, nullable=False, index=True),
    PrimaryKeyConstraint("caller", "key"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Time, nullable=False),
    Column("action", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("api_key_id", Uuid),
    Column("impersonating", Uuid),
    Column("subject", Key),
    Column("item", Text),
    Column("fields", Text, nullable=False),
    Column("address", Text),
    Column("request_id", Text),
    Column("proof", Text),
    Column("seal_number", BigInteger),  # this and what follows is the seal, which comes later
    Column("digest", LargeBinary),
    Column("secret_id", Text),
    Column("mac", LargeBinary),
    Index(None, "at", "id"),
    *(Index(None, filtered, "at", "id") for filtered in ("actor", "action", "subject")),
)
_sealed = audit_entries.c.seal_number.is_not(None)
Index("ix_audit_entries_unsealed_id", audit_entries.c.id, postgresql_where=~_sealed, sqlite_where=~_sealed)
Index(
    "ix_audit_entries_seal_number",
    audit_entries.c.seal_number,
    unique=True,
    postgresql_where=_sealed,
    sqlite_where=_sealed,
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Key, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("secret_id", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("retired_at", Time),
    Column("expires_at", Time),
)

USER_ORDERS = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "email": "email_key",
    "username": "username_order",
}
"""The column that each sort of the list of users compares, before the id; in `users` and in `user_roles` alike."""

for _order in USER_ORDERS.values():
    Index(f"ix_users_by_{_order}", users.c.is_active, users.c.is_verified, users.c[_order], users.c.id)
    Index(
        f"ix_user_roles_by_{_order}",
        user_roles.c.role,
        user_roles.c.is_active,
        user_roles.c.is_verified,
        user_roles.c[_order],
        user_roles.c.user_id,
    )

profiles = Table(
    "profiles",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("bio", Text),
    Column("website", Text),
    Column("avatar_id", Uuid),
    Column("updated_at", Time, nullable=False),
    Column("version", Integer, nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("sku_key", Key, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_order", Key, nullable=False),
    Column("search_text", Key, nullable=False),  # as domain.text.search_text makes it
    Column("description", Text),
    Column("price", BigInteger, nullable=False),
    Column("currency", Key, nullable=False),
    Column("stock", BigInteger),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("sku_key"),
    CheckConstraint("stock >= 0", name="ck_products_stock"),  # whatever goes wrong, nothing is sold twice
)

PRODUCT_ORDERS = {"created_at": "created_at", "sku": "sku_key", "name": "name_order"}
"""The column that each sort of the list of products compares, before the id."""

for _order in PRODUCT_ORDERS.values():
    Index(f"ix_products_by_{_order}", products.c[_order], products.c.id)
    Index(f"ix_products_active_by_{_order}", products.c.is_active, products.c[_order], products.c.id)

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="SET NULL")),  # books stay, without a name
    Column("status", Key, nullable=False),
    Column("currency", Key, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("placed_at", Time, nullable=False),
    Column("paid_at", Time),
    Column("fulfilled_at", Time),
    Column("cancelled_at", Time),
    Column("refunded_at", Time),
    Column("version", Integer, nullable=False),
    Index(None, "placed_at", "id"),
    Index(None, "user_id", "placed_at", "id"),
    Index(None, "status", "placed_at", "id"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("product_id", Uuid, nullable=False),  # no foreign key: the line stays when the product goes
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("is_held", Boolean, nullable=False),
    PrimaryKeyConstraint("order_id", "number"),
)

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("gateway", Key, nullable=False),
    Column("status", Key, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Key, nullable=False),
    Column("reference", Key),
    Column("reason", Text),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("gateway", "reference"),
    Index(None, "order_id", "created_at", "id"),
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Time, nullable=False, index=True),
    Column("reached", Uuid),  # how far it has come among the members, by their ids
    Column("done", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("number", BigInteger, nullable=False),  # among those of the member, from `inboxes`
    Column("kind", Key, nullable=False),
    Column("broadcast_id", ForeignKey("broadcasts.id", ondelete="CASCADE")),
    Column("title", Text),  # of one that comes from a broadcast, this and the body stand there
    Column("body", Text),
    Column("created_at", Time, nullable=False, index=True),
    Column("read_at", Time),
    Index(None, "user_id", "created_at", "id"),
    Index("uq_notifications_user_id_number", "user_id", "number", unique=True),
)
_unread = notifications.c.read_at.is_(None)
_from_broadcast = notifications.c.broadcast_id.is_not(None)
Index(
    "ix_notifications_unread",
    notifications.c.user_id,
    notifications.c.created_at,
    notifications.c.id,
    postgresql_where=_unread,
    sqlite_where=_unread,
)
Index("ix_notifications_read_at", notifications.c.read_at, postgresql_where=~_unread, sqlite_where=~_unread)
Index(
    "uq_notifications_broadcast_id_user_id",
    notifications.c.broadcast_id,
    notifications.c.user_id,
    unique=True,
    postgresql_where=_from_broadcast,
    sqlite_where=_from_broadcast,
)

inboxes = Table(
    "inboxes",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("last_number", BigInteger, nullable=False),  # of the member's latest notification
)

notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Key, nullable=False),
    Column("in_app", Boolean, nullable=False),
    Column("mail", Boolean, nullable=False),
    Column("changes", Integer, nullable=False),  # the version of a member's preferences is 1 and the sum of these
    PrimaryKeyConstraint("user_id", "kind"),
)

posts = Table(
    "posts",
    metadata,
    # What SQLite's index of words names a row by: its own row numbers may change when the file is compacted.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("author_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("search_text", Key, nullable=False),  # as domain.posts.post makes it
    Column("is_published", Boolean, nullable=False),
    Column("published_at", Time),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("id"),
    Index(None, "is_published", "published_at", "id"),
    Index(None, "is_published", "created_at", "id"),
    Index(None, "author_id", "is_published", "published_at", "id"),
    Index(None, "author_id", "is_published", "created_at", "id"),
    Index(None, "author_id", "created_at", "id"),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Key, nullable=False),
    Column("title", Text, nullable=False),
    Column("permission", Key),
    Column("created_at", Time, nullable=False),
    Column("last_number", BigInteger, nullable=False, default=0),  # of the latest message
    UniqueConstraint("name"),
    Index(None, "created_at", "id"),
)

room_messages = Table(
    "room_messages",
    metadata,
    Column("room_id", ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("author_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Time, nullable=False),
    PrimaryKeyConstraint("room_id", "number"),
    UniqueConstraint("id"),
    Index(None, "author_id", "at", "id"),
)

live_tickets = Table(
    "live_tickets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Time, nullable=False),
    Column("stream_at", Time),  # since when it is a stream's; null: it was not used
)
_unused = live_tickets.c.stream_at.is_(None)
Index("ix_live_tickets_unused", live_tickets.c.expires_at, postgresql_where=_unused, sqlite_where=_unused)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # patterns, separated by blanks
    Column("description", Text),
    Column("is_active", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("seed", LargeBinary, nullable=False),
    Column("secret_id", Text, nullable=False),
    Column("previous_seed", LargeBinary),
    Column("previous_secret_id", Text),
    Column("previous_until", Time),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "created_at", "id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Uuid, nullable=False),
    # No foreign key: who changes an order does not wait for who changes a webhook, nor fails because one was deleted.
    Column("webhook_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("event", Key, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_status", Integer),
    Column("error", Text),
    Column("took_ms", Integer),
    Column("created_at", Time, nullable=False),
    Column("pending_since", Time, nullable=False),
    Column("next_attempt_at", Time),  # null for one that is over
    Column("settled_at", Time, index=True),
    UniqueConstraint("id"),
    Index(None, "webhook_id", "created_at", "id"),
    Index(None, "webhook_id", "status", "created_at", "id"),
    Index(None, "webhook_id", "event", "created_at", "id"),
)
_pending = webhook_deliveries.c.next_attempt_at.is_not(None)
Index(
    "ix_webhook_deliveries_pending",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.subject,
    webhook_deliveries.c.number,
    postgresql_where=_pending,
    sqlite_where=_pending,
)
Index(
    "ix_webhook_deliveries_next_attempt_at",
    webhook_deliveries.c.next_attempt_at,
    postgresql_where=_pending,
    sqlite_where=_pending,
)

imports = Table(
    "imports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("importer", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("user_id", Uuid),
    Column("api_key_id", Uuid),
    Column("impersonator_id", Uuid),
    Column("source", Key, nullable=False),
    Column("on_duplicate", Key, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("invite", Boolean, nullable=False),
    Column("file_digest", LargeBinary, nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
)

import_rejects = Table(  # of a chunk of an import those that were refused, so that a million of them are few rows
    "import_rejects",
    metadata,
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), nullable=False),
    Column("first_line", BigInteger, nullable=False),
    Column("rows", Text, nullable=False),  # JSON
    PrimaryKeyConstraint("import_id", "first_line"),
)

import_expectations = Table(
    "import_expectations",
    metadata,
    Column("import_id", ForeignKey("imports.id", ondelete="CASCADE"), nullable=False),
    Column("key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("import_id", "key"),
)
