"""Members brought in from files: how far each import is, what was refused, and what accounts were called elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

# As in 0005, but for rows that come with what their holders are listed by.
ON_POSTGRESQL = """
CREATE TRIGGER user_roles_take_over BEFORE INSERT ON user_roles
FOR EACH ROW {when} EXECUTE FUNCTION user_roles_take_over()
"""
ON_SQLITE = """
CREATE TRIGGER user_roles_take_over AFTER INSERT ON user_roles {when} BEGIN
    UPDATE user_roles SET (is_active, is_verified, created_at, updated_at, email_key, username_order) = (
        SELECT is_active, is_verified, created_at, updated_at, email_key, username_order
        FROM users WHERE users.id = user_roles.user_id
    ) WHERE user_id = NEW.user_id AND role = NEW.role;
END
"""


def upgrade() -> None:
    _take_over("WHEN (NEW.created_at IS NULL)")
    op.create_table(
        "external_ids",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_external_ids"),
        sa.UniqueConstraint("external_id", name="uq_external_ids_external_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_external_ids_user_id", ondelete="CASCADE"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("importer", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("impersonator_id", sa.Uuid()),
        sa.Column("source", KEY, nullable=False),
        sa.Column("on_duplicate", KEY, nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("invite", sa.Boolean(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.UniqueConstraint("job_id", name="uq_imports_job_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_imports_job_id", ondelete="CASCADE"),
    )
    op.create_table(
        "import_rejects",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "first_line", name="pk_import_rejects"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_import_rejects_import_id", ondelete="CASCADE"),
    )
    op.create_table(
        "import_expectations",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "key", name="pk_import_expectations"),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name="fk_import_expectations_import_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    _take_over("")
    op.drop_table("import_expectations")
    op.drop_table("import_rejects")
    op.drop_table("imports")
    op.drop_table("external_ids")


def _take_over(when: str) -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    op.execute(f"DROP TRIGGER user_roles_take_over{' ON user_roles' if on_postgresql else ''}")
    op.execute((ON_POSTGRESQL if on_postgresql else ON_SQLITE).format(when=when))
