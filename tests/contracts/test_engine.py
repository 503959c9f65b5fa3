"""Which databases are accepted, and what is told of them."""

import traceback
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from adapters.sql import Database, create_engine
from domain.errors import Conflict
from domain.identity.email import EmailAddress
from tests.contracts.builders import NOW, a_user, add
from tests.stores import POSTGRESQL, SQLITE, open_store


@pytest.mark.parametrize(
    ("url", "dialect", "database"),
    [
        ("postgres://ada:secret@db:5433/club", "postgresql", "club"),
        ("postgresql://ada:secret@db/club", "postgresql", "club"),
        ("postgresql+asyncpg://ada:secret@db/club?sslmode=require", "postgresql", "club"),
        ("sqlite:///club.db", "sqlite", "club.db"),
        ("sqlite:////srv/club.db", "sqlite", "/srv/club.db"),
        ("sqlite+aiosqlite:////srv/club.db", "sqlite", "/srv/club.db"),
        ("/srv/club.db", "sqlite", "/srv/club.db"),
        ("club.db", "sqlite", "club.db"),
        ("/srv/100%?#&/club.db", "sqlite", "/srv/100%?#&/club.db"),
    ],
)
def test_urls_and_paths_are_accepted(url: str, dialect: str, database: str) -> None:
    engine = create_engine(Database(url))
    assert engine.dialect.name == dialect
    assert engine.url.database == database


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:secret@db/club",
        "oracle+x://ada:secret@db",
        "http://ada:secret@db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://ada:secret@db:port/club",
        "://",
        "sqlite:///file:club.db?uri=true",
        "",
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"[A-Z].*\.") as refused:
        create_engine(Database(url))
    assert "secret" not in str(refused.value)


def test_the_password_is_not_shown() -> None:
    database = Database("postgresql://ada:secret@db/club")
    assert "secret" not in repr(database)
    assert "secret" not in repr(create_engine(database))


@pytest.mark.parametrize("name", [SQLITE, POSTGRESQL])
async def test_errors_do_not_show_what_was_stored(name: str, tmp_path: Path) -> None:
    """They are logged, with what they come from."""
    user = a_user(email=EmailAddress("canary@example.com", "canary@example.com"), password_hash="canary-hash")
    async with open_store(name, tmp_path) as store:
        await add(store, user)
        for other in (user, replace(user, id=uuid4())):
            with pytest.raises((Conflict, IntegrityError)) as raised:
                await add(store, other)
            assert "canary" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", [SQLITE, POSTGRESQL])
async def test_a_time_that_says_no_zone_is_refused(name: str, tmp_path: Path) -> None:
    async with open_store(name, tmp_path) as store:
        with pytest.raises(StatementError, match="says no time zone"):
            await add(store, a_user(created_at=NOW.replace(tzinfo=None)))
