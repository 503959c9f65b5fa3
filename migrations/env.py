"""What Alembic runs: on the connection that it is given, within the transaction that is under way there.

There is no alembic.ini: `adapters/sql/migrate.py` makes the configuration, opens the connection and holds the lock.
"""

from alembic import context

from adapters.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
