"""Lists of accounts in every order, by role too, and words found by their beginnings.

Each order has one index, which begins with both flags: a list without a flag merges what the flags tell apart. What a
role's holders are listed by stands beside the role, kept by triggers, so that the version before may go on writing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

ORDERS = ("created_at", "updated_at", "email_key", "username_order")
LISTED_BY = (
    ("is_active", sa.Boolean()),
    ("is_verified", sa.Boolean()),
    ("created_at", TIME),
    ("updated_at", TIME),
    ("email_key", KEY),
    ("username_order", KEY),
)
NAMES = ", ".join(name for name, _ in LISTED_BY)
FILL = f"UPDATE user_roles SET ({NAMES}) = (SELECT {NAMES} FROM users WHERE users.id = user_roles.user_id)"  # noqa: S608
CHANGED = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name, _ in LISTED_BY)
NEW = ", ".join(f"NEW.{name}" for name, _ in LISTED_BY)
COPY = f"UPDATE user_roles SET ({NAMES}) = ({NEW}) WHERE user_id = NEW.id"  # noqa: S608

POSTGRESQL = (
    f"""
    CREATE FUNCTION user_roles_take_over() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        SELECT {NAMES} INTO {NEW} FROM users
        WHERE id = NEW.user_id FOR SHARE;
        RETURN NEW;
    END $$
    """,  # noqa: S608
    f"CREATE FUNCTION users_hand_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {COPY}; RETURN NULL; END $$",
    """
    CREATE TRIGGER user_roles_take_over BEFORE INSERT ON user_roles
    FOR EACH ROW EXECUTE FUNCTION user_roles_take_over()
    """,
    f"""
    CREATE TRIGGER users_hand_on AFTER UPDATE OF {NAMES} ON users
    FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION users_hand_on()
    """,
)
SQLITE = (
    f"""
    CREATE TRIGGER user_roles_take_over AFTER INSERT ON user_roles BEGIN
        {FILL} WHERE user_id = NEW.user_id AND role = NEW.role;
    END
    """,
    f"CREATE TRIGGER users_hand_on AFTER UPDATE OF {NAMES} ON users BEGIN {COPY}; END",
)

# Words longer than a lexeme may be are cut; whoever searches cuts alike, and then looks at the text itself.
LEXEMES = r"array_to_tsvector(string_to_array(ltrim(regexp_replace(search_text, '([^ ]{100})[^ ]+', '\1', 'g')), ' '))"


def upgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    for order in ORDERS:
        if order != "email_key":
            op.drop_index(f"ix_users_{order}_id", "users")
        op.drop_index(f"ix_users_is_verified_{order}_id", "users")
        op.drop_index(f"ix_users_inactive_{order}_id", "users")
        op.create_index(f"ix_users_by_{order}", "users", ["is_active", "is_verified", order, "id"])

    for name, kind in LISTED_BY:
        op.add_column("user_roles", sa.Column(name, kind))
    op.execute(FILL)
    op.drop_index("ix_user_roles_role_user_id", "user_roles")
    for order in ORDERS:
        op.create_index(
            f"ix_user_roles_by_{order}", "user_roles", ["role", "is_active", "is_verified", order, "user_id"]
        )
    for statement in POSTGRESQL if on_postgresql else SQLITE:
        op.execute(statement)

    if on_postgresql:
        op.execute(f"CREATE INDEX ix_users_words ON users USING gin ({LEXEMES})")
        op.execute(
            f"CREATE INDEX ix_users_words_sample ON users USING gin ({LEXEMES})"
            " WHERE get_byte(uuid_send(id), 15) < 4"  # one in 64, by the id's random end
        )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_users_words_sample")
        op.execute("DROP INDEX ix_users_words")
        op.execute("DROP TRIGGER users_hand_on ON users")
        op.execute("DROP TRIGGER user_roles_take_over ON user_roles")
        op.execute("DROP FUNCTION users_hand_on()")
        op.execute("DROP FUNCTION user_roles_take_over()")
    else:
        op.execute("DROP TRIGGER users_hand_on")
        op.execute("DROP TRIGGER user_roles_take_over")

    for order in ORDERS:
        op.drop_index(f"ix_user_roles_by_{order}", "user_roles")
    op.create_index("ix_user_roles_role_user_id", "user_roles", ["role", "user_id"])
    for name, _ in LISTED_BY:
        op.drop_column("user_roles", name)

    inactive = ~sa.column("is_active", sa.Boolean())
    for order in ORDERS:
        op.drop_index(f"ix_users_by_{order}", "users")
        if order != "email_key":
            op.create_index(f"ix_users_{order}_id", "users", [order, "id"])
        op.create_index(f"ix_users_is_verified_{order}_id", "users", ["is_verified", order, "id"])
        op.create_index(
            f"ix_users_inactive_{order}_id", "users", [order, "id"], postgresql_where=inactive, sqlite_where=inactive
        )
