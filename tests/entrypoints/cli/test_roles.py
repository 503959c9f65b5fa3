"""`moothall roles`."""

import signal
from typing import Any

import httpx
import pytest

from application.access.roles import ShowRole
from application.access.views import RoleView
from application.identity.views import Versioned
from domain.access.actor import Actor
from entrypoints.bootstrap import open_application
from entrypoints.settings import load
from tests.entrypoints.cli.command import OPERATOR, PASSWORD, READY, Moothall, at_terminal, started

ROLE_FIELDS = {"id", "name", "description", "permissions", "is_built_in", "created_at", "updated_at"}


def _editors(moothall: Moothall, *permissions: str) -> dict[str, Any]:
    """The role `editors`, made by command."""
    options = [word for permission in permissions for word in ("--permission", permission)]
    made: dict[str, Any] = moothall.good("--json", "roles", "create", "editors", *options).json
    return made


def _allowed(moothall: Moothall, name: str = "editors") -> list[str]:
    permissions: list[str] = moothall.good("--json", "roles", "show", name).json["permissions"]
    return permissions


def test_the_built_in_roles_are_listed(moothall: Moothall) -> None:
    listed = moothall.good("--json", "roles", "list").json
    assert [(role["name"], role["permissions"], role["is_built_in"]) for role in listed] == [
        ("member", [], True),
        ("admin", ["*"], True),
    ]
    assert moothall.good("roles", "list").out.splitlines()[1] == "admin\t*\tyes\tEverything."


def test_a_role_is_made_and_shown(moothall: Moothall) -> None:
    made = moothall.good(
        "--json", "roles", "create", "editors", "--description", "Who edits.",
        "--permission", "users:update", "--permission", "sessions:*",
    ).json  # fmt: skip
    assert set(made) == ROLE_FIELDS
    assert (made["name"], made["description"]) == ("editors", "Who edits.")
    assert made["permissions"] == ["sessions:*", "users:update"]
    assert moothall.good("--json", "roles", "show", "editors").json == made
    assert moothall.good("--json", "roles", "list", "--limit", "1").json == [made]
    assert "permissions\tsessions:*,users:update\n" in moothall.good("roles", "show", "editors").out


def test_a_role_may_allow_nothing(moothall: Moothall) -> None:
    assert _editors(moothall)["permissions"] == []


def test_a_role_is_given_to_members(moothall: Moothall) -> None:
    _editors(moothall)
    moothall.user("ada")
    given = moothall.good("--json", "users", "set-roles", "ada@example.com", "editors", "member").json
    assert given["roles"] == ["editors", "member"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "wizards"], 3),
        (["update", "wizards", "--description", "x"], 3),
        (["update", "wizards", "--add", "users:read"], 3),
        (["--yes", "delete", "wizards"], 3),
        (["create", "Editors"], 4),
        (["--yes", "delete", "admin"], 4),
        (["update", "admin", "--no-permissions"], 4),
        (["update", "admin", "--remove", "*"], 4),
        (["create", "-", "--permission", "users:read"], 7),
        (["create", "wizards", "--description", ""], 7),
        (["create", "wizards", "--permission", "users:cast"], 7),
        (["update", "editors", "--permission", "users:cast"], 7),
        (["update", "editors", "--add", "users:cast"], 7),
    ],
)
def test_what_cannot_be_is_refused(moothall: Moothall, words: list[str], code: int) -> None:
    _editors(moothall, "users:read")
    outcome = moothall("roles", *words)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("error: ")
    assert [role["name"] for role in moothall.good("--json", "roles", "list").json] == ["editors", "member", "admin"]
    assert _allowed(moothall) == ["users:read"]


def test_an_unknown_permission_is_named(moothall: Moothall) -> None:
    refused = moothall(
        "--json", "roles", "create", "editors", "--permission", "users:read", "--permission", "users:fly"
    )
    assert refused.error["code"] == "unknown-permission"
    assert "users:fly" in refused.error["detail"]


def test_only_what_is_given_changes(moothall: Moothall) -> None:
    _editors(moothall, "users:read")
    described = moothall.good("--json", "roles", "update", "editors", "--description", "Who edits.").json
    assert (described["description"], described["permissions"]) == ("Who edits.", ["users:read"])
    changed = moothall.good("--json", "roles", "update", "editors", "--permission", "users:update").json
    assert (changed["description"], changed["permissions"]) == ("Who edits.", ["users:update"])
    bare = moothall.good("--json", "roles", "update", "editors", "--description", "").json
    assert (bare["description"], bare["permissions"]) == (None, ["users:update"])


def test_permissions_are_replaced_by_exactly_these(moothall: Moothall) -> None:
    _editors(moothall, "users:read", "users:update")
    moothall.good("roles", "update", "editors", "--permission", "audit:read", "--permission", "users:read")
    assert _allowed(moothall) == ["audit:read", "users:read"]
    moothall.good("roles", "update", "editors", "--no-permissions")
    assert _allowed(moothall) == []


def test_permissions_are_added_and_removed(moothall: Moothall) -> None:
    _editors(moothall, "users:read", "users:update")
    changed = moothall.good(
        "--json", "roles", "update", "editors", "--description", "Who edits.",
        "--add", "audit:read", "--add", "users:read", "--remove", "users:update",
    ).json  # fmt: skip
    assert (changed["permissions"], changed["description"]) == (["audit:read", "users:read"], "Who edits.")


@pytest.mark.parametrize(
    ("removed", "code"),
    [
        ("users:delete", "permission-not-held"),
        ("users:read", "permission-still-allowed"),
        ("user:read", "permission-not-held"),
    ],
    ids=["allowed by a wider pattern only", "allowed by a wider pattern too", "misspelt"],
)
def test_a_removal_that_would_not_take_it_away_is_refused(moothall: Moothall, removed: str, code: str) -> None:
    _editors(moothall, "users:*", "users:read")
    refused = moothall("--json", "roles", "update", "editors", "--remove", removed)
    assert (refused.code, refused.error["code"]) == (4, code)
    assert "users:*" in refused.error["detail"]
    assert _allowed(moothall) == ["users:*", "users:read"]


def test_a_wide_pattern_is_exchanged_for_a_narrow_one(moothall: Moothall) -> None:
    _editors(moothall, "users:*")
    moothall.good("roles", "update", "editors", "--remove", "users:*", "--add", "users:read")
    assert _allowed(moothall) == ["users:read"]


def test_what_somebody_else_adds_meanwhile_stays(moothall: Moothall, monkeypatch: pytest.MonkeyPatch) -> None:
    _editors(moothall, "users:read")
    show, others = ShowRole.__call__, ["audit:read", "users:update"]

    async def overtaken(self: ShowRole, actor: Actor, *, name: str) -> Versioned[RoleView]:
        """Right after it read the role, somebody else changes it."""
        found = await show(self, actor, name=name)
        if others:
            async with open_application(load()) as application:
                wanted = [*found.value.permissions, others.pop()]
                await application.access.update_role(OPERATOR, name=name, permissions=wanted)
        return found

    monkeypatch.setattr(ShowRole, "__call__", overtaken)
    moothall.good("roles", "update", "editors", "--add", "sessions:read")
    assert _allowed(moothall) == ["audit:read", "sessions:read", "users:read", "users:update"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--permission", "users:read", "--no-permissions"],
        ["--permission", "users:read", "--add", "audit:read"],
        ["--no-permissions", "--remove", "users:read"],
        ["--add", "audit:read", "--remove", "audit:read"],
    ],
)
def test_what_to_change_has_to_be_clear(moothall: Moothall, options: list[str]) -> None:
    _editors(moothall, "users:read")
    assert moothall("roles", "update", "editors", *options).code == 2
    assert _allowed(moothall) == ["users:read"]


def test_deleting_a_role_takes_it_from_everybody_and_says_how_many_they_were(moothall: Moothall) -> None:
    _editors(moothall)
    moothall.user("ada", "--role", "editors", "--role", "member")
    moothall.user("bob", "--role", "editors")
    assert moothall("roles", "delete", "editors").code == 2
    deleted = moothall.good("--yes", "roles", "delete", "editors")
    assert (deleted.out, deleted.err) == ("", "Deleted the role editors. Members who lost it: 2.\n")
    found = moothall.good("--json", "users", "list", "--sort", "email").json
    assert [user["roles"] for user in found] == [["member"], []]


def test_deleting_a_role_asks(moothall: Moothall) -> None:
    _editors(moothall)
    with at_terminal("roles", "delete", "editors") as asked:
        asked.expect("[y/N] ")
        asked.type("n\n")
        assert asked.end().code == 1
    assert moothall.good("roles", "show", "editors").code == 0


def test_what_is_changed_counts_at_once_on_a_running_server(moothall: Moothall, port: int) -> None:
    moothall.good("users", "create", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    with (
        started("serve", "--port", str(port)) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1") as client,
    ):
        server.expect(READY)
        signed_in = client.post("/auth/login", data={"username": "ada@example.com", "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"

        def answer() -> int:
            return client.get("/users", timeout=1).status_code

        assert answer() == 403
        _editors(moothall, "users:read")
        moothall.good("users", "set-roles", "ada@example.com", "member", "editors")
        assert answer() == 200
        moothall.good("roles", "update", "editors", "--remove", "users:read")
        assert answer() == 403
        moothall.good("roles", "update", "editors", "--add", "users:*")
        assert answer() == 200
        moothall.good("users", "set-roles", "ada@example.com", "member")
        assert answer() == 403
        moothall.good("users", "set-roles", "ada@example.com", "editors")
        assert answer() == 200
        moothall.good("--yes", "roles", "delete", "editors")
        assert answer() == 403
        assert "Traceback" not in server.end(signal.SIGTERM).err
