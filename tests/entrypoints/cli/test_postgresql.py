"""The same commands on PostgreSQL, where nothing is migrated by itself."""

import os
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.entrypoints.cli.command import Moothall
from tests.services import execute, postgres_url, wait_for

FAR_AWAY = "2999-01-01T00:00:00Z"


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


def test_roles_are_made_given_and_taken(on_postgresql: Moothall) -> None:
    moothall = on_postgresql
    moothall.good("db", "upgrade")
    moothall.good("roles", "create", "editors", "--permission", "users:read")
    updated = moothall.good("--json", "roles", "update", "editors", "--add", "users:update", "--remove", "users:read")
    assert updated.json["permissions"] == ["users:update"]
    moothall.user("ada", "--role", "editors")
    assert "Members who lost it: 1." in moothall.good("--yes", "roles", "delete", "editors").err
    assert [role["name"] for role in moothall.good("--json", "roles", "list").json] == ["member", "admin"]
    assert "users:update" in moothall.good("permissions", "list").out


def test_api_keys_are_made_and_revoked(on_postgresql: Moothall) -> None:
    moothall = on_postgresql
    moothall.good("db", "upgrade")
    moothall.user("ada", "--username", "ada")
    made = moothall.good("--json", "api-keys", "create", "--as", "ada", "--name", "nightly", "--expires", "90d").json
    assert made.pop("key").startswith("mh_")
    assert moothall.good("--json", "api-keys", "list").json == [made]
    moothall.good("--yes", "api-keys", "revoke", made["id"])
    assert moothall.good("--json", "api-keys", "list", "--as", "ada").json == []


def test_the_audit_trail_is_sealed_and_verified(on_postgresql: Moothall) -> None:
    moothall = on_postgresql
    moothall.good("db", "upgrade")
    ada = moothall.user("ada")
    [entry] = moothall.good("--json", "audit", "list", "--user", "ada@example.com", "--until", FAR_AWAY).json
    assert (entry["action"], entry["subject"]) == ("user.created", ada["id"])
    assert moothall.good("--json", "audit", "list", "--since", FAR_AWAY).json == []
    moothall.good("audit", "seal")
    moothall.good("audit", "verify")
    wait_for(execute(os.environ["MOOTHALL_DATABASE_URL"], "DELETE FROM audit_entries WHERE seal_number = 1"))
    assert moothall("audit", "verify").code == 1
