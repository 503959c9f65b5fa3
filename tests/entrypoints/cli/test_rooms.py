"""`moothall rooms`."""

from typing import Any

import pytest

from application.app import Application
from domain.access.actor import ANONYMOUS
from tests.entrypoints.cli.command import PASSWORD, Moothall


def create(moothall: Moothall, name: str = "lounge", *options: str) -> dict[str, Any]:
    found: dict[str, Any] = moothall.good("--json", "rooms", "create", name, "--title", "The lounge", *options).json
    return found


def names(moothall: Moothall, *options: str) -> list[str]:
    return [room["name"] for room in moothall.good("--json", "rooms", "list", *options).json]


async def speak(application: Application, *texts: str) -> dict[str, Any]:
    """As ada, the way a live connection does it; their account."""
    made = await application.identity.register(ANONYMOUS, email="ada@example.com", password=PASSWORD, username="ada")
    signed_in = await application.identity.log_in(ANONYMOUS, login="ada", password=PASSWORD)
    caller = await application.identity.identify_caller(signed_in.access_token)
    for text in texts:
        await application.live.say(caller.actor, room="lounge", text=text)
    return {"id": str(made.value.id), "username": "ada", "full_name": "ada"}


def test_a_room_is_opened_shown_listed_and_closed(moothall: Moothall) -> None:
    room = create(moothall, "board", "--permission", "users:read")
    assert (room["name"], room["title"], room["permission"]) == ("board", "The lounge", "users:read")
    assert moothall.good("--json", "rooms", "show", "board").json == room
    create(moothall)
    assert names(moothall) == ["lounge", "board"]
    assert names(moothall, "--limit", "1") == ["lounge"]
    assert moothall.good("rooms", "list").out.splitlines()[1].split("\t")[:3] == ["board", "The lounge", "users:read"]
    assert moothall("rooms", "delete", "board").code == 2, "it asks"
    assert moothall.good("--yes", "rooms", "delete", "board").err == "Closed the room board.\n"
    assert names(moothall) == ["lounge"]
    actions = [entry["action"] for entry in moothall.good("--json", "audit", "list").json]
    assert actions[:3] == ["room.deleted", "room.created", "room.created"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("rooms", "show", "nowhere"), 3),
        (("--yes", "rooms", "delete", "nowhere"), 3),
        (("rooms", "messages", "nowhere"), 3),
        (("rooms", "create", "lounge", "--title", "x"), 4),
        (("rooms", "create", "Lounge", "--title", "x"), 7),
        (("rooms", "create", "other", "--title", "x", "--permission", "fly:away"), 7),
        (("rooms", "create", "other"), 2),
        (("rooms",), 2),
    ],
)
def test_what_goes_wrong_has_its_exit_code(moothall: Moothall, words: tuple[str, ...], code: int) -> None:
    create(moothall)
    assert moothall(*words).code == code


def test_what_was_said_is_printed_in_its_order(moothall: Moothall) -> None:
    create(moothall)
    assert moothall.good("--json", "rooms", "messages", "lounge").json == []
    ada = moothall.behind(lambda application: speak(application, "one", "two\nlines", "three"))
    found = moothall.good("--json", "rooms", "messages", "lounge").json
    assert [(each["number"], each["text"]) for each in found] == [(1, "one"), (2, "two\nlines"), (3, "three")]
    assert found[0]["author"] == ada
    assert set(found[0]) == {"number", "id", "room", "author", "text", "at"}
    lines = moothall.good("rooms", "messages", "lounge", "--limit", "2").out.splitlines()
    assert [(line.split("\t")[0], *line.split("\t")[2:]) for line in lines] == [
        ("2", "ada", "two\\nlines"),
        ("3", "ada", "three"),
    ]
