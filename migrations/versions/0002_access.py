"""Roles as data, API keys, the audit trail, and sessions in which somebody acts in a member's place."""

from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

NEW_COLUMNS = (
    ("impersonator_id", sa.Uuid()),
    ("impersonator_session_id", sa.Uuid()),
    ("impersonator_permissions", sa.Text()),
)


def upgrade() -> None:
    roles = op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("name", name="uq_roles_name"),
    )
    ever = datetime(2026, 1, 1, tzinfo=UTC)
    op.bulk_insert(
        roles,
        [
            {
                "id": UUID(int=number),
                "name": name,
                "description": description,
                "permissions": permissions,
                "created_at": ever,
                "updated_at": ever,
                "version": 1,
            }
            for number, name, description, permissions in (
                (1, "admin", "Everything.", "*"),
                (2, "member", "What everybody may who registers.", ""),
            )
        ],
    )

    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_api_keys_user_id_created_at_id", "api_keys", ["user_id", "created_at", "id"])
    op.create_index("ix_api_keys_created_at_id", "api_keys", ["created_at", "id"])
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"])

    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("impersonating", sa.Uuid()),
        sa.Column("subject", KEY),
        sa.Column("item", sa.Text()),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("proof", sa.Text()),
        sa.Column("seal_number", sa.BigInteger()),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("secret_id", sa.Text()),
        sa.Column("mac", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_at_id", "audit_entries", ["at", "id"])
    for filtered in ("actor", "action", "subject"):
        op.create_index(f"ix_audit_entries_{filtered}_at_id", "audit_entries", [filtered, "at", "id"])
    number = sa.column("seal_number", sa.BigInteger())
    for name, columns, unique, where in (
        ("ix_audit_entries_unsealed_id", ["id"], False, number.is_(None)),
        ("ix_audit_entries_seal_number", ["seal_number"], True, number.is_not(None)),
    ):
        op.create_index(name, "audit_entries", columns, unique=unique, postgresql_where=where, sqlite_where=where)

    for name, kind in NEW_COLUMNS:
        op.add_column("sessions", sa.Column(name, kind))


def downgrade() -> None:
    """Sessions of impersonations end: the version before would take them for the members' own."""
    op.execute("DELETE FROM sessions WHERE impersonator_id IS NOT NULL")
    for name, _ in NEW_COLUMNS:
        op.drop_column("sessions", name)
    for table in ("audit_entries", "api_keys", "roles"):
        op.drop_table(table)
