"""The same commands on PostgreSQL, where nothing is migrated by itself."""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.entrypoints.cli.command import Moothall
from tests.services import execute, postgres_url, wait_for


@pytest.fixture
def on_postgresql(moothall: Moothall) -> Iterator[Moothall]:
    """With a database that is empty, down to the tables."""
    server = postgres_url()
    name = f"moothall_cli_{secrets.token_hex(6)}"
    wait_for(execute(server, f"CREATE DATABASE {name}"))
    moothall.setting(DATABASE_URL=urlsplit(server)._replace(path=f"/{name}").geturl())
    yield moothall
    wait_for(execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def test_an_old_database_is_refused_until_it_is_upgraded(on_postgresql: Moothall) -> None:
    moothall = on_postgresql
    refused = moothall("--json", "users", "list")
    assert (refused.code, refused.error["code"]) == (9, "migrations-pending")
    assert "moothall db upgrade" in refused.error["detail"]
    assert moothall("db", "check").code == 1
    examined = moothall("doctor")
    assert examined.code == 1
    assert "failed\tmigrations\t" in examined.out
    moothall.good("db", "upgrade")
    moothall.good("db", "check")
    moothall.good("doctor")


def test_accounts_are_administered(on_postgresql: Moothall) -> None:
    moothall = on_postgresql
    moothall.good("db", "upgrade")
    assert moothall.admin().code == 0
    assert moothall.admin().code == 4
    moothall.user("ada", "--username", "ada")
    moothall.good("users", "set-roles", "ada", "admin", "member")
    assert [user["username"] for user in moothall.good("--json", "users", "list").json] == ["ada", None]
    moothall.good("--yes", "users", "delete", "ada")
    moothall.good("--yes", "db", "downgrade", "base")
    assert moothall("db", "check").code == 1
