"""`moothall api-keys`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from application.app import Application
from application.identity.caller import Caller
from domain.access.actor import ActorKind
from domain.errors import Unauthenticated
from tests.entrypoints.cli.command import Moothall, Outcome, at_terminal

KEY_FIELDS = {"id", "user_id", "name", "prefix", "permissions", "created_at", "expires_at", "last_used_at"}
NO_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def _create(moothall: Moothall, owner: str = "ada", *options: str) -> Outcome:
    return moothall("--json", "api-keys", "create", "--as", owner, "--name", "nightly", *options)


def _made(moothall: Moothall, owner: str = "ada", *options: str) -> dict[str, Any]:
    """The new key as it was shown."""
    outcome = _create(moothall, owner, *options)
    assert outcome.code == 0, outcome.err
    shown: dict[str, Any] = outcome.json
    return shown


def _listed(moothall: Moothall, *options: str) -> Any:
    return moothall.good("--json", "api-keys", "list", *options).json


def _caller(moothall: Moothall, key: str) -> Caller:
    async def identify(application: Application) -> Caller:
        return await application.identity.identify_caller(key)

    return moothall.behind(identify)


def test_a_new_key_signs_its_owner_in(moothall: Moothall) -> None:
    ada = moothall.user("ada", "--username", "ada", "--role", "admin")
    made = _made(moothall, "ada", "--permission", "users:read", "--permission", "audit:*")
    assert set(made) == KEY_FIELDS | {"key"}
    assert (made["user_id"], made["name"], made["expires_at"]) == (ada["id"], "nightly", None)
    assert made["permissions"] == ["audit:*", "users:read"]
    caller = _caller(moothall, made["key"])
    assert caller.actor.kind is ActorKind.API_KEY
    assert str(caller.actor.user_id) == ada["id"]
    assert caller.actor.permissions == {"audit:*", "users:read"}


def test_a_key_is_shown_once_and_nowhere_else(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    created = moothall.good("api-keys", "create", "--as", "ada", "--name", "nightly")
    assert "The key is not shown again" in created.err
    [key] = [line.removeprefix("key\t") for line in created.out.splitlines() if line.startswith("key\t")]
    _caller(moothall, key)
    assert key not in created.err
    for words in (("api-keys", "list"), ("api-keys", "list", "--as", "ada"), ("audit", "list"), ("users", "list")):
        for outcome in (moothall.good(*words), moothall.good("--json", *words)):
            assert outcome.out
            assert key not in outcome.out + outcome.err
    stored = [path.read_bytes() for path in (moothall.home / "moothall-data").rglob("*") if path.is_file()]
    assert stored
    assert not any(key.encode() in content for content in stored)


def test_keys_are_listed_newest_first_of_one_member_or_of_all(moothall: Moothall) -> None:
    ada, bob = (moothall.user(name, "--username", name) for name in ("ada", "bob"))
    first, second, third = (_made(moothall, owner) for owner in (ada["id"], "bob@example.com", "Ada"))
    assert [key["id"] for key in _listed(moothall)] == [third["id"], second["id"], first["id"]]
    assert [key["id"] for key in _listed(moothall, "--as", "ada@example.com")] == [third["id"], first["id"]]
    assert [key["user_id"] for key in _listed(moothall, "--as", "bob")] == [bob["id"]]
    assert [key["id"] for key in _listed(moothall, "--limit", "1")] == [third["id"]]
    assert set(_listed(moothall)[0]) == KEY_FIELDS
    line = moothall.good("api-keys", "list", "--as", "bob").out
    assert line == f"{second['id']}\t{bob['id']}\tnightly\t{second['prefix']}\t\t\t\n"


def test_a_key_expires_at_the_time_that_is_given(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    assert _made(moothall, "ada", "--expires", "2999-01-01T01:30:00+02:00")["expires_at"] == "2998-12-31T23:30:00Z"
    assert _made(moothall, "ada", "--expires", "2999-01-01t00:00:00.5z")["expires_at"] == "2999-01-01T00:00:00.500000Z"


def test_a_key_expires_after_so_many_days(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    expires_at = datetime.fromisoformat(_made(moothall, "ada", "--expires", "90d")["expires_at"])
    assert abs(expires_at - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("tomorrow", 2),
        ("90", 2),
        ("-1d", 2),
        ("999999d", 2),
        ("2999-01-01", 2),
        ("2999-01-01T00:00:00", 2),
        ("2999-13-01T00:00:00Z", 2),
        ("0001-01-01T00:00:00+01:00", 2),
        ("2001-01-01T00:00:00Z", 7),
        ("0d", 7),
    ],
)
def test_a_time_that_is_none_or_is_over_is_refused(moothall: Moothall, time: str, code: int) -> None:
    moothall.user("ada", "--username", "ada")
    outcome = _create(moothall, "ada", f"--expires={time}")
    assert (outcome.code, outcome.out) == (code, "")
    assert _listed(moothall) == []


def test_a_key_allows_nothing_that_its_owner_may_not(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    refused = _create(moothall, "ada", "--permission", "users:read")
    assert (refused.code, refused.out, refused.error["code"]) == (5, "", "beyond-owners-rights")
    assert _create(moothall, "ada", "--permission", "users:fly").code == 7


def test_a_key_has_an_owner_and_a_name(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    assert moothall("api-keys", "create", "--name", "nightly").code == 2
    assert moothall("api-keys", "create", "--as", "ada").code == 2
    assert _create(moothall, "nobody").code == 3
    assert moothall("api-keys", "list", "--as", "nobody").code == 3


def test_a_revoked_key_is_refused(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    made, other = _made(moothall), _made(moothall)
    assert moothall("api-keys", "revoke", made["id"]).code == 2
    revoked = moothall.good("--yes", "api-keys", "revoke", made["id"])
    assert revoked.err == f"Revoked the API key {made['id']}.\n"
    with pytest.raises(Unauthenticated):
        _caller(moothall, made["key"])
    assert [key["id"] for key in _listed(moothall)] == [other["id"]]
    assert moothall("--yes", "api-keys", "revoke", made["id"]).code == 3


def test_revoking_needs_the_id_of_a_key(moothall: Moothall) -> None:
    assert moothall("--yes", "api-keys", "revoke", NO_ID).code == 3
    assert moothall("--yes", "api-keys", "revoke", "nightly").code == 2


def test_revoking_asks(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    made = _made(moothall)
    with at_terminal("api-keys", "revoke", made["id"]) as asked:
        asked.expect("[y/N] ")
        asked.type("y\n")
        assert asked.end().code == 0
    assert _listed(moothall) == []


def test_a_key_is_shown_without_itself(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    made = _made(moothall)
    shown = moothall.good("--json", "api-keys", "show", made["id"])
    assert {**shown.json, "key": made["key"]} == made
    assert made["key"] not in shown.out
    assert moothall("api-keys", "show", NO_ID).code == 3
