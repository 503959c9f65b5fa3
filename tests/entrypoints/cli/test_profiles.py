"""`moothall profiles`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.entrypoints.cli.command import Moothall, Outcome
from tests.pictures import a_picture

PROFILE = {"user_id", "username", "full_name", "bio", "website", "avatar_url"}


@pytest.fixture
def picture(home: Path) -> str:
    path = home / "picture.png"
    path.write_bytes(a_picture())
    return str(path)


def _files(moothall: Moothall) -> list[Path]:
    return [path for path in (moothall.home / "moothall-data" / "blobs").rglob("*") if path.is_file()]


def _drain(moothall: Moothall) -> None:
    moothall.behind(lambda application: application.runner.drain())


def _code(outcome: Outcome) -> str:
    code: str = outcome.error["code"]
    return code


def test_a_profile_is_changed_and_shown_as_everybody_sees_it(moothall: Moothall) -> None:
    ada = moothall.user("ada", "--username", "ada")
    changed = moothall.good(
        "--json", "profiles", "update", "ada", "--bio", "one\ntwo", "--website", "https://ada.example"
    ).json
    assert set(changed) == PROFILE
    assert (changed["user_id"], changed["bio"], changed["website"]) == (ada["id"], "one\ntwo", "https://ada.example")
    for name in ("ada", ada["id"], "ada@example.com"):
        assert moothall.good("--json", "profiles", "show", name).json == changed
    assert "bio\tone\\ntwo" in moothall.good("profiles", "show", "ada").out
    cleared = moothall.good("--json", "profiles", "update", "ada", "--bio", "").json
    assert (cleared["bio"], cleared["website"]) == (None, "https://ada.example")


def test_what_breaks_a_rule_is_refused(moothall: Moothall) -> None:
    moothall.user("ada")
    for options in (("--website", "javascript:alert(1)"), ("--bio", "x" * 501)):
        outcome = moothall("--json", "profiles", "update", "ada@example.com", *options)
        assert outcome.code == 7
        assert [error["pointer"] for error in outcome.error["errors"]] == [f"/{options[0].removeprefix('--')}"]
    assert moothall("profiles", "update", "ada@example.com").code == 2
    for command in (("show", "nobody"), ("update", "nobody", "--bio", "x"), ("remove-avatar", "nobody", "--yes")):
        assert moothall("profiles", *command).code == 3


def test_a_picture_is_given_replaced_and_removed_with_its_files(moothall: Moothall, picture: str) -> None:
    moothall.user("ada", "--username", "ada")
    first = moothall.good("--json", "profiles", "set-avatar", "ada", picture).json["avatar_url"]
    second = moothall.good("--json", "profiles", "set-avatar", "ada", picture).json["avatar_url"]
    assert first != second
    _drain(moothall)
    assert {path.parent.name for path in _files(moothall)} == {second.partition("v=")[2]}
    refused = moothall("profiles", "remove-avatar", "ada")
    assert refused.code == 2
    assert moothall.good("--json", "profiles", "show", "ada").json["avatar_url"] == second
    assert "has no picture now" in moothall.good("--yes", "profiles", "remove-avatar", "ada").err
    assert moothall.good("--json", "profiles", "show", "ada").json["avatar_url"] is None
    _drain(moothall)
    assert _files(moothall) == []
    actions = [entry["action"] for entry in moothall.good("--json", "audit", "list", "--limit", "3").json]
    assert actions == ["avatar.removed", "avatar.replaced", "avatar.replaced"]


def test_what_is_no_picture_is_refused(moothall: Moothall, home: Path) -> None:
    moothall.user("ada", "--username", "ada")
    (home / "page.png").write_text("<html>")
    (home / "huge.png").write_bytes(a_picture() + bytes(5 * 2**20))
    codes = {name: moothall("--json", "profiles", "set-avatar", "ada", name) for name in ("page.png", "huge.png")}
    assert {name: (outcome.code, _code(outcome)) for name, outcome in codes.items()} == {
        "page.png": (7, "unsupported-image"),
        "huge.png": (7, "image-too-large"),
    }
    assert moothall("profiles", "set-avatar", "ada", "nowhere.png").code == 2
    assert _files(moothall) == []


def test_the_libraries_for_pictures_and_files_are_not_imported_before_they_are_needed(moothall: Moothall) -> None:
    """They take longer than everything else that a command does."""
    script = (
        "import asyncio, sys\n"
        "from entrypoints.bootstrap import open_application\n"
        "from entrypoints.settings import load\n"
        "async def work():\n"
        "    async with open_application(load()):\n"
        "        print(sorted({'PIL', 'obstore'} & set(sys.modules)))\n"
        "asyncio.run(work())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"
