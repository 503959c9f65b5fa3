"""Rooms and what is said there, tickets of live connections, and the numbers of each member's notifications.

What is there is numbered in the order in which lists have it. On PostgreSQL a trigger numbers what the version before
goes on writing while the new one is on its way.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
UNUSED = sa.text("stream_at IS NULL")
OF_MEMBERS = sa.text("due_at IS NOT NULL AND owner_id IS NOT NULL")

NUMBER = """
    UPDATE notifications SET number = placed.number FROM (
        SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created_at, id) AS number FROM notifications
    ) AS placed WHERE placed.id = notifications.id
"""
FILL_INBOXES = """
    INSERT INTO inboxes (user_id, last_number) SELECT user_id, max(number) FROM notifications GROUP BY user_id
"""
POSTGRESQL = (
    """
    CREATE FUNCTION notifications_number() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO inboxes (user_id, last_number) VALUES (NEW.user_id, 1)
        ON CONFLICT (user_id) DO UPDATE SET last_number = inboxes.last_number + 1
        RETURNING last_number INTO NEW.number;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER notifications_number BEFORE INSERT ON notifications
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION notifications_number()
    """,
)


def upgrade() -> None:
    op.create_table(
        "inboxes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_inboxes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_inboxes_user_id", ondelete="CASCADE"),
    )
    op.add_column("notifications", sa.Column("number", sa.BigInteger()))
    op.execute(NUMBER)
    op.execute(FILL_INBOXES)
    with op.batch_alter_table("notifications") as batch:
        batch.alter_column("number", existing_type=sa.BigInteger(), nullable=False)
    op.create_index("uq_notifications_user_id_number", "notifications", ["user_id", "number"], unique=True)
    if op.get_context().dialect.name == "postgresql":
        for statement in POSTGRESQL:
            op.execute(statement)

    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("permission", KEY),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
        sa.UniqueConstraint("name", name="uq_rooms_name"),
    )
    op.create_index("ix_rooms_created_at_id", "rooms", ["created_at", "id"])
    op.create_table(
        "room_messages",
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "number", name="pk_room_messages"),
        sa.UniqueConstraint("id", name="uq_room_messages_id"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_room_messages_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_room_messages_author_id", ondelete="CASCADE"),
    )
    op.create_index("ix_room_messages_author_id_at_id", "room_messages", ["author_id", "at", "id"])
    op.create_table(
        "live_tickets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("stream_at", TIME),
        sa.PrimaryKeyConstraint("digest", name="pk_live_tickets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_live_tickets_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_live_tickets_session_id", ondelete="CASCADE"),
    )
    for column in ("user_id", "session_id"):
        op.create_index(f"ix_live_tickets_{column}", "live_tickets", [column])
    op.create_index(
        "ix_live_tickets_unused", "live_tickets", ["expires_at"], postgresql_where=UNUSED, sqlite_where=UNUSED
    )
    op.create_index(
        "ix_jobs_unfinished_of_members", "jobs", ["id"], postgresql_where=OF_MEMBERS, sqlite_where=OF_MEMBERS
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_unfinished_of_members", "jobs")
    for table in ("live_tickets", "room_messages", "rooms"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER notifications_number ON notifications")
        op.execute("DROP FUNCTION notifications_number()")
    op.drop_index("uq_notifications_user_id_number", "notifications")
    op.drop_column("notifications", "number")
    op.drop_table("inboxes")
