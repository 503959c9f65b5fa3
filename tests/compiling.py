"""Each test opens an engine of its own, which compiles every statement anew: here they share what was compiled.

What is sent to the database is the same.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event


class SharedCompilations(dict[Any, Any]):
    """Keyed by the kind of the dialect, where SQLAlchemy's own key has the dialect of one engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_a_kind(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_of_a_kind(key), compiled)


def share_compilations() -> None:
    """For every engine of this process, from now on."""
    shared = SharedCompilations()

    def use(connection: Connection) -> None:
        connection.execution_options(compiled_cache=shared)

    event.listen(Engine, "engine_connect", use)


def _of_a_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    return (type(dialect), *rest)
