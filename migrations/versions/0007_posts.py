"""Posts, and the words by which they are found.

On PostgreSQL the words are in an index over the text that is searched; a second one holds those of every 64th post, and
tells how common a word is. On SQLite they are in a table of FTS5 that keeps no text of its own: triggers tell it what
changes. There the text is split at blanks and nothing else is done to it, so that the same is found everywhere.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)

ORDERS = (
    ("is_published", "published_at", "id"),
    ("is_published", "created_at", "id"),
    ("author_id", "is_published", "published_at", "id"),
    ("author_id", "is_published", "created_at", "id"),
    ("author_id", "created_at", "id"),
)

LEXEMES = "array_to_tsvector(string_to_array(ltrim(search_text), ' '))"
POSTGRESQL = (
    f"CREATE INDEX ix_posts_words ON posts USING gin ({LEXEMES})",
    f"CREATE INDEX ix_posts_words_sample ON posts USING gin ({LEXEMES}) WHERE get_byte(uuid_send(id), 15) < 4",
)

ADD = "INSERT INTO post_words (rowid, search_text) VALUES (NEW.number, NEW.search_text);"
TAKE = "INSERT INTO post_words (post_words, rowid, search_text) VALUES ('delete', OLD.number, OLD.search_text);"
SQLITE = (
    "CREATE VIRTUAL TABLE post_words USING fts5(search_text, content='posts', content_rowid='number',"
    " tokenize='ascii', detail='none', columnsize=0, prefix='1 2 3 4 5 6 7 8 9 10')",
    f"CREATE TRIGGER posts_words_added AFTER INSERT ON posts BEGIN {ADD} END",
    f"CREATE TRIGGER posts_words_changed AFTER UPDATE OF search_text ON posts"
    f" WHEN NEW.search_text <> OLD.search_text BEGIN {TAKE} {ADD} END",
    f"CREATE TRIGGER posts_words_taken AFTER DELETE ON posts BEGIN {TAKE} END",
)


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("search_text", KEY, nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("published_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_posts_author_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_posts"),
        sa.UniqueConstraint("id", name="uq_posts_id"),
    )
    for columns in ORDERS:
        op.create_index(f"ix_posts_{'_'.join(columns)}", "posts", columns)
    for statement in POSTGRESQL if op.get_context().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        for trigger in ("posts_words_added", "posts_words_changed", "posts_words_taken"):
            op.execute(f"DROP TRIGGER {trigger}")
        op.execute("DROP TABLE post_words")
    op.drop_table("posts")
