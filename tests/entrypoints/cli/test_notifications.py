"""`moothall notifications`."""

from typing import Any

import pytest

from application.app import Application
from tests.entrypoints.cli.command import Moothall

PARTS = {"id", "kind", "title", "body", "created_at", "read_at"}
NO_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def _send(moothall: Moothall, to: str = "ada", title: str = "Hello") -> dict[str, Any]:
    sent = moothall.good("--json", "notifications", "send", to, "--title", title, "--body", "World")
    found: dict[str, Any] = sent.json
    return found


def _list(moothall: Moothall, *options: str) -> Any:
    return moothall.good("--json", "notifications", "list", *options).json


def test_a_message_is_sent_listed_and_read(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    first, second = _send(moothall, title="First"), _send(moothall, "ada@example.com", "Second")
    assert first.keys() == PARTS
    assert _list(moothall, "--as", "ada") == [second, first]
    assert _list(moothall, "--as", "ada", "--limit", "1") == [second]
    read = moothall.good("--json", "notifications", "read", first["id"]).json
    assert read == {**first, "read_at": read["read_at"]}
    assert read["read_at"] is not None
    assert moothall.good("--json", "notifications", "read", first["id"]).json == read
    assert moothall.good("--json", "notifications", "show", first["id"]).json == read
    assert _list(moothall, "--as", "ada", "--unread") == [second]
    assert moothall.good("notifications", "read-all", "--as", "ada").err == "Marked 1 notifications as read.\n"
    assert _list(moothall, "--as", "ada", "--unread") == []
    assert len(moothall.good("notifications", "list", "--as", "ada").out.splitlines()) == 2


def test_a_broadcast_is_a_job(moothall: Moothall) -> None:
    for name in ("ada", "bob"):
        moothall.user(name, "--username", name)
    asked = moothall.good("--json", "notifications", "broadcast", "--title", "Closed", "--body", "On Thursday")
    assert (asked.json["kind"], asked.json["status"]) == ("broadcast", "queued")

    async def drain(application: Application) -> int:
        return await application.runner.drain()

    moothall.behind(drain)
    done = moothall.good("--json", "jobs", "show", asked.json["id"]).json
    assert (done["status"], done["result"]) == ("succeeded", {"members": 2, "sent": 2})
    assert [item["title"] for name in ("ada", "bob") for item in _list(moothall, "--as", name)] == ["Closed", "Closed"]
    actions = [entry["action"] for entry in moothall.good("--json", "audit", "list").json]
    assert actions.count("broadcast.requested") == 1


def test_preferences_are_shown_and_set(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    shown = moothall.good("--json", "notifications", "preferences", "--as", "ada").json
    assert shown["broadcast"] == {"in_app": True, "mail": False}
    options = ("--set", "broadcast.in_app=off", "--set", "broadcast.mail=on", "--set", "order.mail=off")
    changed = moothall.good("--json", "notifications", "preferences", "--as", "ada", *options).json
    assert changed == {
        **shown,
        "broadcast": {"in_app": False, "mail": True},
        "order": {"in_app": True, "mail": False},
    }
    line = moothall.good("notifications", "preferences", "--as", "ada").out.splitlines()[-1]
    assert line == "broadcast\tin_app=off mail=on"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("broadcast", 2),
        ("broadcast.in_app", 2),
        ("broadcast.in_app=perhaps", 2),
        (".in_app=on", 2),
        ("news.in_app=on", 7),
        ("order.sms=on", 7),
        ("sign-in.mail=off", 7),
    ],
)
def test_preferences_that_there_are_not_are_refused(moothall: Moothall, change: str, code: int) -> None:
    moothall.user("ada", "--username", "ada")
    before = moothall.good("notifications", "preferences", "--as", "ada").out
    assert moothall("notifications", "preferences", "--as", "ada", "--set", change).code == code
    assert moothall.good("notifications", "preferences", "--as", "ada").out == before


def test_what_is_not_there_is_not_found(moothall: Moothall) -> None:
    assert moothall("notifications", "read", NO_ID).code == 3
    assert moothall("notifications", "show", NO_ID).code == 3
    assert moothall("notifications", "list", "--as", "nobody").code == 3
    assert moothall("notifications", "send", "nobody", "--title", "a", "--body", "b").code == 3
    moothall.user("ada", "--username", "ada")
    assert moothall("notifications", "send", "ada", "--title", "a\nb", "--body", "b").code == 7
