"""`moothall audit`."""

import os
import pwd
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from application.app import Application
from tests.entrypoints.cli.command import OPERATOR, Moothall

ENTRY_FIELDS = {
    "id", "at", "action", "actor", "api_key_id", "impersonating", "subject", "item", "fields", "address", "request_id",
    "proof",
}  # fmt: skip
CHANGE_THE_THIRD = "UPDATE audit_entries SET action = 'user.praised' WHERE seal_number = 3"
REMOVE_THE_THIRD = "DELETE FROM audit_entries WHERE seal_number = 3"
REMOVE_THE_LAST = "DELETE FROM audit_entries WHERE seal_number = (SELECT max(seal_number) FROM audit_entries)"
FORGE_THE_THIRD = "UPDATE audit_entries SET mac = zeroblob(32) WHERE seal_number = 3"


def _listed(moothall: Moothall, *options: str) -> Any:
    return moothall.good("--json", "audit", "list", *options).json


def _sealed(moothall: Moothall) -> Any:
    """A trail of some entries, all sealed; what its verification finds."""
    for name in ("ada", "bob", "cyd", "dan"):
        moothall.user(name)
    moothall.good("audit", "seal")
    return moothall.good("--json", "audit", "verify").json


def _behind_its_back(moothall: Moothall, statement: str) -> None:
    with closing(sqlite3.connect(moothall.home / "moothall-data" / "moothall.db")) as database, database:
        assert database.execute(statement).rowcount == 1


def test_what_was_done_is_listed_newest_first(moothall: Moothall) -> None:
    ada = moothall.user("ada", "--username", "ada")
    moothall.good("users", "set-roles", "ada", "admin")
    newest, oldest, _ = _listed(moothall)
    assert set(newest) == ENTRY_FIELDS
    assert newest["actor"].startswith("cli:")
    assert (newest["action"], newest["subject"]) == ("user.roles-set", ada["id"])
    assert newest["fields"] == ["+admin", "-member"]
    assert newest["at"] > oldest["at"]
    assert newest["at"].endswith("Z")
    assert oldest["action"] == "user.created"
    line = moothall.good("audit", "list", "--limit", "1").out
    assert line == f"{newest['at']}\t{newest['actor']}\t\tuser.roles-set\t{ada['id']}\t\t+admin,-member\t\n"


def test_the_trail_can_be_filtered(moothall: Moothall) -> None:
    ada, bob = (moothall.user(name, "--username", name) for name in ("ada", "bob"))
    moothall.good("users", "deactivate", "bob")
    moothall.good("roles", "create", "editors")

    def found(*options: str) -> list[tuple[str, str]]:
        return [(entry["action"], entry["subject"]) for entry in _listed(moothall, *options)]

    made = [("user.created", bob["id"]), ("user.created", ada["id"])]
    of_bob = [("user.updated", bob["id"]), ("user.created", bob["id"])]
    assert found("--action", "user.created") == made
    assert found("--subject", bob["id"]) == of_bob
    assert found("--user", "bob") == found("--user", "BOB@example.com") == found("--user", bob["id"]) == of_bob
    assert found("--subject", "editors") == [("role.created", "editors")]
    assert found("--action", "user.created", "--user", "ada") == [("user.created", ada["id"])]
    assert [action for action, _ in found("--actor", "moothall")] == ["signing-key.created"]
    assert found("--actor", "cli:nobody at all") == found("--subject", "bob") == []


def test_the_trail_of_a_time_is_listed(moothall: Moothall) -> None:
    for name in ("ada", "bob", "cyd"):
        moothall.user(name)
    everything = _listed(moothall)
    newest, middle, *_ = everything
    assert _listed(moothall, "--since", middle["at"]) == [newest, middle]
    assert _listed(moothall, "--since", middle["at"], "--until", newest["at"]) == [middle]
    assert _listed(moothall, "--until", middle["at"]) == everything[2:]


@pytest.mark.parametrize("time", ["yesterday", "7d", "2026-11-21", "2026-11-21T09:30:00", "2026-02-30T09:30:00Z"])
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_time_says_its_zone(moothall: Moothall, option: str, time: str) -> None:
    outcome = moothall("--json", "audit", "list", option, time)
    assert (outcome.code, outcome.out, outcome.error["code"]) == (2, "", "usage")


def test_whom_to_look_for_has_to_be_clear(moothall: Moothall) -> None:
    ada = moothall.user("ada", "--username", "ada")
    assert moothall("audit", "list", "--user", "ada", "--subject", ada["id"]).code == 2
    assert moothall("audit", "list", "--user", "nobody").code == 3


def test_what_was_done_to_a_deleted_member_stays(moothall: Moothall) -> None:
    ada = moothall.user("ada")
    moothall.good("--yes", "users", "delete", "ada@example.com")
    assert [entry["action"] for entry in _listed(moothall, "--subject", ada["id"])] == ["user.deleted", "user.created"]


def test_a_long_trail_is_listed_to_its_end(moothall: Moothall) -> None:
    async def change_often(application: Application) -> None:
        await application.access.create_role(OPERATOR, name="editors", permissions=())
        for number in range(230):
            await application.access.update_role(OPERATOR, name="editors", description=f"Number {number}.")

    moothall.behind(change_often)
    listed = _listed(moothall, "--subject", "editors")
    assert len({entry["id"] for entry in listed}) == 231
    assert [entry["at"] for entry in listed] == sorted((entry["at"] for entry in listed), reverse=True)
    assert len(_listed(moothall, "--limit", "150")) == 150


def test_sealing_says_how_much_it_sealed(moothall: Moothall) -> None:
    moothall.user("ada")
    first, second = (moothall.good("audit", "seal") for _ in range(2))
    # the signing key and the account
    assert (first.out, first.err) == ("", "Sealed 2 entries.\n")
    assert second.err == "Sealed 0 entries.\n"


def test_a_trail_that_nobody_touched_is_good(moothall: Moothall) -> None:
    found = _sealed(moothall)
    assert set(found) == {"sealed", "unsealed", "unproven", "head", "broken"}
    assert (found["sealed"], found["unsealed"], found["broken"]) == (5, 0, [])
    assert found["head"].startswith("5:")
    moothall.user("eve")
    later = moothall.good("audit", "verify", "--head", found["head"])
    assert later.out == f"sealed\t5\nunsealed\t1\nunproven\t0\nhead\t{found['head']}\n"
    assert later.err == "No sealed entry was changed or removed.\n"


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [(CHANGE_THE_THIRD, "tampered"), (REMOVE_THE_THIRD, "missing"), (FORGE_THE_THIRD, "forged")],
    ids=["changed", "removed", "forged"],
)
def test_what_was_done_behind_its_back_is_found(moothall: Moothall, statement: str, flaw: str) -> None:
    _sealed(moothall)
    _behind_its_back(moothall, statement)
    outcome = moothall("--json", "audit", "verify")
    assert outcome.code == 1
    links = outcome.json["broken"]
    assert (links[0]["number"], links[0]["flaw"]) == (3, flaw)
    told = moothall("audit", "verify")
    assert told.code == 1
    assert told.out.splitlines()[4:] == [f"{n['number']}\t{n['flaw']}\t{n['entry_id'] or ''}" for n in links]
    assert told.err == f"The trail is not what was sealed. Broken links: {len(links)}.\n"
    assert moothall("--quiet", "audit", "verify").code == 1


def test_a_chain_made_anew_without_the_secret_is_found(moothall: Moothall) -> None:
    """An unknown secret proves nothing, unless somebody noted the head while it was known."""
    before = _sealed(moothall)
    for number in range(1, before["sealed"] + 1):
        _behind_its_back(
            moothall,
            f"UPDATE audit_entries SET secret_id = 'gone', mac = x'00' WHERE seal_number = {number}",  # noqa: S608
        )
    outcome = moothall("--json", "audit", "verify")
    assert (outcome.code, outcome.json["unproven"]) == (1, before["sealed"])
    assert moothall("--json", "audit", "verify", "--head", before["head"]).code == 0


def test_what_was_cut_off_is_found_with_a_head_from_before(moothall: Moothall) -> None:
    before = _sealed(moothall)
    _behind_its_back(moothall, REMOVE_THE_LAST)
    outcome = moothall("--json", "audit", "verify", "--head", before["head"])
    assert outcome.code == 1
    assert outcome.json["broken"] == [{"number": before["sealed"], "flaw": "missing", "entry_id": None}]


def test_another_trail_is_not_the_one_of_the_head(moothall: Moothall) -> None:
    """Sealed again after something was cut off, it holds together, and is another one."""
    before = _sealed(moothall)
    _behind_its_back(moothall, REMOVE_THE_LAST)
    moothall.user("eve")
    moothall.good("audit", "seal")
    moothall.good("audit", "verify")
    outcome = moothall("--json", "audit", "verify", "--head", before["head"])
    assert outcome.code == 1
    assert [link["number"] for link in outcome.json["broken"]] == [before["sealed"]]


@pytest.mark.parametrize("head", ["", "newest", "3:no-digest", "7", "-3:aa", "0_7:aa"])
def test_what_is_no_head_is_refused(moothall: Moothall, head: str) -> None:
    outcome = moothall("--json", "audit", "verify", "--head", head)
    assert (outcome.code, outcome.out, outcome.error["code"]) == (7, "", "bad-head")


def test_nobody_chooses_the_name_under_which_they_are_recorded(
    moothall: Moothall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory\n\x1b[31m")
    moothall.user("ada")
    assert {entry["actor"] for entry in _listed(moothall)} == {"moothall", f"cli:{pwd.getpwuid(os.getuid()).pw_name}"}


def test_what_was_done_with_a_key_is_told_apart(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada", "--role", "admin")
    made = moothall.good("--json", "api-keys", "create", "--as", "ada", "--name", "n", "--permission", "*").json

    async def use_key(application: Application) -> None:
        caller = await application.identity.identify_caller(made["key"])
        await application.access.create_role(caller.actor, name="editors", permissions=())

    moothall.behind(use_key)
    [line] = moothall.good("audit", "list", "--actor", "ada").out.splitlines()
    assert f"\tkey:{made['id']}\trole.created\teditors\t" in line


def test_control_characters_do_not_reach_the_terminal(moothall: Moothall) -> None:
    """Whatever found its way into a row: escaped, it neither colours nor breaks the line."""
    moothall.user("ada")
    _behind_its_back(moothall, "UPDATE audit_entries SET actor = 'x' || char(27) || '[31m' || char(10) WHERE "
                               "action = 'user.created'")  # fmt: skip
    first = moothall.good("audit", "list", "--limit", "1").out
    assert "x\\x1b[31m\\n" in first
    assert first.count("\n") == 1
