"""`moothall live`: the program listens while others write to the same database."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from application.app import Application
from domain.access.actor import anonymous
from tests.entrypoints.cli.command import OPERATOR, PASSWORD, PROGRAM, Moothall

LISTENS = "Listening.\n"


@contextmanager
def tail(moothall: Moothall, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """As a process of its own, once it listens."""
    with subprocess.Popen(
        [PROGRAM, *options], cwd=moothall.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = _stream(process.stderr).readline()
            assert line == LISTENS, line + _stream(process.stderr).read()
            yield process
        finally:
            process.kill()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def say(moothall: Moothall, room: str, *texts: str) -> None:
    """By a member, through a server."""

    async def speak(application: Application) -> None:
        tokens = await application.identity.log_in(anonymous(), login="ada", password=PASSWORD)
        caller = await application.identity.identify_caller(tokens.access_token)
        for text in texts:
            await application.live.say(caller.actor, room=room, text=text)

    moothall.behind(speak)


def a_speaker(moothall: Moothall) -> None:
    async def register(application: Application) -> None:
        await application.identity.create_user(OPERATOR, email="ada@example.com", username="ada", password=PASSWORD)

    moothall.behind(register)


def test_what_is_said_in_rooms_is_printed_as_it_is_said(moothall: Moothall) -> None:
    a_speaker(moothall)
    for name in ("lobby", "office"):
        moothall.good("rooms", "create", name, "--title", name)
    with tail(moothall, "live", "tail", "--room", "lobby", "--limit", "2") as process:
        say(moothall, "office", "not here")
        say(moothall, "lobby", "one", "two\nlines")
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [line.split("\t")[1:] for line in out.splitlines()] == [
        ["lobby", "ada", "one"],
        ["lobby", "ada", "two\\nlines"],
    ]


def test_without_a_room_all_are_heard_and_json_is_what_sockets_get(moothall: Moothall) -> None:
    a_speaker(moothall)
    for name in ("lobby", "office"):
        moothall.good("rooms", "create", name, "--title", name)
    with tail(moothall, "--json", "live", "tail", "--limit", "2") as process:
        say(moothall, "office", "here")
        say(moothall, "lobby", "there")
        out, _ = process.communicate(timeout=60)
    messages: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert {(m["type"], m["room"], m["text"], m["from"]["username"]) for m in messages} == {
        ("message", "office", "here", "ada"),
        ("message", "lobby", "there", "ada"),
    }


def test_what_a_member_is_told_is_printed(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    with tail(moothall, "--json", "live", "tail", "--as", "ada", "--limit", "1") as process:
        moothall.good("notifications", "send", "ada", "--title", "Hello", "--body", "World")
        out, _ = process.communicate(timeout=60)
    told = json.loads(out)
    assert (told["type"], told["title"], told["unread"]) == ("notification", "Hello", 1)


@pytest.mark.parametrize("options", [("--room", "nowhere"), ("--as", "nobody")])
def test_what_there_is_not_is_an_error(moothall: Moothall, options: tuple[str, str]) -> None:
    failed = moothall("live", "tail", *options)
    assert failed.code == 3
    assert failed.out == ""
