"""`moothall users`."""

import json
import sqlite3
from pathlib import Path

import pytest

from application.app import Application
from tests.entrypoints.cli.command import OPERATOR, PASSWORD, Moothall, at_terminal, on_terminal, started

USER_FIELDS = {
    "id", "email", "username", "first_name", "last_name", "full_name", "is_active", "is_verified", "is_superuser",
    "roles", "created_at", "updated_at", "last_login_at",
}  # fmt: skip


def test_the_first_administrator_is_made_once(moothall: Moothall) -> None:
    first = moothall.admin()
    assert first.code == 0
    assert first.json["is_superuser"] is True
    assert first.json["is_verified"] is True
    second = moothall("--json", "users", "create-admin", "--email", "b@example.com", "--password-stdin", stdin=PASSWORD)
    assert second.code == 4
    assert second.error["code"] == "admin-exists"


def test_of_two_first_administrators_at_once_one_is_made(home: Path) -> None:
    """Also where the database has to be made first."""
    (home / "password").write_text(PASSWORD)
    create = ("users", "create-admin", "--password-file", "password", "--email")
    with started(*create, "one@example.com") as one, started(*create, "two@example.com") as two:
        outcomes = [one.end(), two.end()]
    assert sorted(outcome.code for outcome in outcomes) == [0, 4], outcomes
    with sqlite3.connect(home / "moothall-data" / "moothall.db") as database:
        assert database.execute("SELECT count(*) FROM users").fetchone() == (1,)
    database.close()


def test_a_created_user_is_shown_like_the_api_shows_it(moothall: Moothall) -> None:
    user = moothall.user(
        "ada", "--username", "ada", "--first-name", "Ada", "--last-name", "Lovelace", "--role", "admin", "--verified"
    )
    assert set(user) == USER_FIELDS
    assert user["full_name"] == "Ada Lovelace"
    assert (user["roles"], user["is_verified"], user["is_superuser"]) == (["admin"], True, True)
    assert user["created_at"].endswith("Z")
    assert moothall.good("--json", "users", "show", "ada").json == user


def test_without_roles_a_user_is_a_member(moothall: Moothall) -> None:
    assert moothall.user("ada")["roles"] == ["member"]


@pytest.mark.parametrize("name", ["ADA@Example.com", "Ada_L"])
def test_a_user_is_found_by_what_people_call_them(moothall: Moothall, name: str) -> None:
    user = moothall.user("ada", "--username", "ada_l")
    assert moothall.good("--json", "users", "show", name).json == user
    assert moothall.good("--json", "users", "show", user["id"]).json == user


def test_nobody_is_not_found(moothall: Moothall) -> None:
    outcome = moothall("--json", "users", "show", "nobody")
    assert (outcome.code, outcome.out, outcome.error["code"]) == (3, "", "user-not-found")


def test_a_taken_address_is_a_conflict(moothall: Moothall) -> None:
    moothall.user("ada")
    outcome = moothall("users", "create", "--email", "ADA@example.com", "--no-password")
    assert outcome.code == 4


def test_all_that_is_wrong_with_a_password_is_told_and_the_password_is_not(moothall: Moothall) -> None:
    outcome = moothall("--json", "users", "create", "--email", "ada@example.com", "--password-stdin", stdin="tooshrt\n")
    assert outcome.code == 7
    assert outcome.error["code"] == "password-refused"
    assert outcome.error["errors"][0]["pointer"] == "/password"
    assert "tooshrt" not in outcome.out + outcome.err


def test_a_user_signs_in_with_the_password_from_a_file(moothall: Moothall) -> None:
    """Without the line break that editors put at the end."""
    (moothall.home / "password").write_text(f"{PASSWORD}\r\n")
    created = moothall.good("users", "create", "--email", "ada@example.com", "--password-file", "password")
    assert PASSWORD not in created.out + created.err
    moothall.behind(
        lambda application: application.identity.log_in(OPERATOR, login="ada@example.com", password=PASSWORD)
    )


@pytest.mark.parametrize(
    ("options", "stdin"),
    [
        ([], PASSWORD),
        (["--password-stdin"], ""),
        (["--password-stdin"], b"violet-anchor-\xff-42-lamp"),
        (["--password-file", "missing"], ""),
        (["--password-stdin", "--password-file", "missing"], PASSWORD),
        (["--password-stdin", "--no-password"], PASSWORD),
    ],
    ids=["no terminal", "nothing on standard input", "no text", "no file", "two ways", "and none"],
)
def test_without_one_clear_password_nothing_is_made(moothall: Moothall, options: list[str], stdin: str | bytes) -> None:
    outcome = moothall("users", "create", "--email", "ada@example.com", *options, stdin=stdin)
    assert outcome.code == 2
    assert "password" in outcome.err
    assert moothall.good("--json", "users", "list").json == []


def test_a_password_is_asked_for_twice_and_not_shown(home: Path) -> None:
    with at_terminal("--json", "users", "create", "--email", "ada@example.com") as asked:
        for text in (PASSWORD, "something-else-17-x", PASSWORD, PASSWORD):
            asked.expect(": ")
            asked.type(f"{text}\n")
        outcome = asked.end()
        shown = asked.shown()
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["email"] == "ada@example.com"
    assert "These were different." in outcome.err
    assert PASSWORD not in outcome.out + outcome.err + shown


def test_a_list_streams_more_than_a_page(moothall: Moothall) -> None:
    async def register_many(application: Application) -> None:
        for number in range(250):
            await application.identity.create_user(OPERATOR, email=f"member{number:03}@example.com")

    moothall.behind(register_many)
    found = moothall.good("--json", "users", "list", "--sort", "email").json
    assert [user["email"] for user in found] == [f"member{number:03}@example.com" for number in range(250)]
    assert len(moothall.good("--json", "users", "list", "--limit", "150").json) == 150
    assert len(moothall.good("users", "list").out.splitlines()) == 250


def test_a_list_can_be_filtered_and_sorted(moothall: Moothall) -> None:
    moothall.user("ada", "--first-name", "Augusta", "--verified")
    moothall.user("bob", "--role", "admin")
    moothall.user("cyd")
    moothall.good("users", "deactivate", "cyd@example.com")

    def listed(*options: str) -> list[str]:
        found = moothall.good("--json", "users", "list", "--sort", "email", *options).json
        return [user["email"][:3] for user in found]

    assert listed() == ["ada", "bob", "cyd"]
    assert listed("--role", "admin") == ["bob"]
    assert listed("--active") == ["ada", "bob"]
    assert listed("--inactive") == ["cyd"]
    assert listed("--verified") == ["ada"]
    assert listed("--unverified", "--active") == ["bob"]
    assert listed("--q", "augu") == ["ada"]
    assert listed("--sort", "-email", "--limit", "1") == ["cyd"]


def test_an_unknown_order_is_refused_before_anything_is_printed(moothall: Moothall) -> None:
    outcome = moothall("--json", "users", "list", "--sort", "shoe_size")
    assert (outcome.code, outcome.out, outcome.error["code"]) == (7, "", "bad-sort")


def test_an_empty_list_is_an_empty_array(moothall: Moothall) -> None:
    assert moothall.good("--json", "users", "list").json == []
    assert moothall.good("users", "list").out == ""


def test_other_programs_get_tab_separated_columns(moothall: Moothall) -> None:
    user = moothall.user("ada", "--first-name", "[red]Ada", "--role", "admin", "--role", "member")
    line = moothall.good("users", "list").out
    assert line == f"{user['id']}\tada@example.com\t\t[red]Ada\tadmin,member\tyes\tno\n"
    assert "first_name\t[red]Ada\n" in moothall.good("users", "show", "ada@example.com").out


def test_a_terminal_gets_a_table(moothall: Moothall) -> None:
    """In which nothing that members wrote is taken for markup."""
    user = moothall.user("ada", "--first-name", "[red]Ada")
    table = on_terminal("users", "list")
    assert "full_name" in table.splitlines()[0]
    assert user["id"] in table
    assert "[red]Ada" in table
    assert "\t" not in table
    assert "full_name" in on_terminal("users", "show", "ada@example.com")


def test_only_the_given_fields_change(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada", "--first-name", "Ada", "--last-name", "Byron")
    changed = moothall.good("--json", "users", "update", "ada", "--last-name", "Lovelace", "--verified").json
    assert (changed["first_name"], changed["last_name"], changed["is_verified"]) == ("Ada", "Lovelace", True)
    assert changed["username"] == "ada"


def test_an_empty_text_takes_a_field_away(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada", "--first-name", "Ada")
    changed = moothall.good("--json", "users", "update", "ada", "--username", "", "--first-name", "").json
    assert (changed["username"], changed["first_name"], changed["full_name"]) == (None, None, None)


def test_an_address_cannot_be_taken_away(moothall: Moothall) -> None:
    moothall.user("ada")
    assert moothall("users", "update", "ada@example.com", "--email", "").code == 7


def test_a_change_of_nothing_is_a_usage_error(moothall: Moothall) -> None:
    assert moothall("users", "update", "ada@example.com").code == 2


def test_an_account_is_locked_and_unlocked(moothall: Moothall) -> None:
    moothall.user("ada")
    assert moothall.good("--json", "users", "deactivate", "ada@example.com").json["is_active"] is False
    assert moothall.good("--json", "users", "reactivate", "ada@example.com").json["is_active"] is True


def test_the_last_administrator_stays(moothall: Moothall) -> None:
    moothall.admin()
    assert moothall("users", "deactivate", "root@example.com").code == 4
    assert moothall("users", "set-roles", "root@example.com", "member").code == 4
    assert moothall("--yes", "users", "delete", "root@example.com").code == 4


def test_roles_are_replaced(moothall: Moothall) -> None:
    moothall.user("ada")
    assert moothall.good("--json", "users", "set-roles", "ada@example.com", "admin", "member").json["roles"] == [
        "admin",
        "member",
    ]
    assert moothall("users", "set-roles", "ada@example.com", "wizard").code == 7


def test_without_a_terminal_deleting_needs_yes(moothall: Moothall) -> None:
    moothall.user("ada")
    refused = moothall("users", "delete", "ada@example.com", stdin="y\n")
    assert refused.code == 2
    assert "--yes" in refused.err
    moothall.good("users", "delete", "ada@example.com", "--yes")
    assert moothall("users", "show", "ada@example.com").code == 3
    assert moothall("--yes", "users", "delete", "ada@example.com").code == 3


def test_deleting_asks(moothall: Moothall) -> None:
    moothall.user("ada")
    with at_terminal("users", "delete", "ada@example.com") as asked:
        asked.expect("[y/N] ")
        asked.type("y\n")
        outcome = asked.end()
    assert outcome.code == 0
    assert moothall.good("--json", "users", "list").json == []


def test_a_link_to_choose_a_password_is_mailed_when_the_operator_says_so(moothall: Moothall) -> None:
    moothall.user("ada")
    assert (
        moothall.good("users", "reset-password", "ada@example.com").err == "A link will be mailed to ada@example.com.\n"
    )
    moothall.good("worker", "--once")
    [mail] = (moothall.home / "moothall-data" / "mails").iterdir()
    assert "/reset-password?token=" in mail.read_text()
    assert moothall("users", "reset-password", "nobody").code == 3


def test_somebody_is_invited(moothall: Moothall) -> None:
    invited = moothall.good("--json", "users", "invite", "--email", "bob@example.com", "--role", "admin").json
    assert (invited["email"], invited["roles"], invited["is_verified"]) == ("bob@example.com", ["admin"], False)
    moothall.good("worker", "--once")
    [mail] = (moothall.home / "moothall-data" / "mails").iterdir()
    assert "/accept-invitation?token=" in mail.read_text()
    assert moothall("users", "invite", "--email", "c@example.com", "--role", "nothing").code == 7


def test_everything_that_is_kept_about_a_member_is_printed_as_json(moothall: Moothall) -> None:
    user = moothall.user("ada", "--username", "ada", "--first-name", "Ada")
    moothall.user("bob")
    found = moothall("users", "personal-data", "ada")
    data = json.loads(found.out)
    assert data["user"] == moothall("--json", "users", "show", "ada").json == user
    assert {"exported_at", "sessions", "api_keys", "jobs", "audit"} <= data.keys()
    assert "bob" not in found.out
    assert moothall("users", "personal-data", "nobody").code == 3
