"""The tables. The names of constraints are an interface: `constraints.py` tells from them what was taken."""

from sqlalchemy import (
    Boolean,
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
    PrimaryKeyConstraint("user_id", "role"),
    Index(None, "role", "user_id"),
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
    "created_at": users.c.created_at,
    "updated_at": users.c.updated_at,
    "email": users.c.email_key,
    "username": users.c.username_order,
}
"""What each sort of the list of users compares, before the id."""

for _order in USER_ORDERS.values():
    if _order is not users.c.email_key:  # whose unique constraint has an index
        Index(None, _order, users.c.id)
    Index(None, users.c.is_verified, _order, users.c.id)
    Index(  # the others are nearly all, and found soon enough in the whole order
        f"ix_users_inactive_{_order.name}_id",
        _order,
        users.c.id,
        postgresql_where=~users.c.is_active,
        sqlite_where=~users.c.is_active,
    )
