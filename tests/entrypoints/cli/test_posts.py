"""`moothall posts`."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.entrypoints.cli.command import Moothall


@pytest.fixture
def ada(moothall: Moothall) -> dict[str, Any]:
    return moothall.user("ada", "--username", "ada")


def write(moothall: Moothall, title: str = "On bees", *options: str, stdin: str | bytes = "") -> dict[str, Any]:
    found: dict[str, Any] = moothall.good(
        "--json", "posts", "create", "--as", "ada", "--title", title, *options, stdin=stdin
    ).json
    return found


def listed(moothall: Moothall, *options: str) -> list[str]:
    return [post["title"] for post in moothall.good("--json", "posts", "list", *options).json]


def test_a_post_is_written_in_a_members_name(moothall: Moothall, ada: dict[str, Any]) -> None:
    post = write(moothall)
    assert post["author"] == {"id": ada["id"], "username": "ada", "full_name": "ada"}
    assert (post["title"], post["content"], post["is_published"]) == ("On bees", "", False)
    assert moothall.good("--json", "posts", "show", post["id"]).json == post


def test_the_content_comes_from_a_file_or_from_standard_input_as_it_is(
    moothall: Moothall, ada: dict[str, Any], home: Path
) -> None:
    content = "They dance.\r\n\tAlways. Ü\n"
    (home / "bees.txt").write_bytes(content.encode())
    assert write(moothall, "a", "--content-file", "bees.txt")["content"] == content
    assert write(moothall, "b", "--content-file", "-", stdin=content)["content"] == content
    post = write(moothall, "c")
    changed = moothall.good("--json", "posts", "update", post["id"], "--content-file", "-", stdin=content)
    assert (changed.json["content"], changed.json["title"]) == (content, "c")


@pytest.mark.parametrize("name", ["nowhere.txt", "."])
def test_a_file_that_cannot_be_read_is_named(moothall: Moothall, ada: dict[str, Any], name: str) -> None:
    refused = moothall("posts", "create", "--as", "ada", "--title", "a", "--content-file", name)
    assert (refused.code, refused.out) == (2, "")
    assert name in refused.err


def test_what_is_not_utf8_is_refused(moothall: Moothall, ada: dict[str, Any]) -> None:
    refused = moothall("posts", "create", "--as", "ada", "--title", "a", "--content-file", "-", stdin=b"\xff")
    assert (refused.code, refused.out) == (2, "")


def test_posts_are_listed_by_author_state_and_words(moothall: Moothall, ada: dict[str, Any]) -> None:
    moothall.user("bob", "--username", "bob")
    write(moothall, "draft of bees")
    write(moothall, "bees", "--publish")
    write(moothall, "wasps", "--publish")
    moothall.good("posts", "create", "--as", "bob", "--title", "hornets", "--publish")
    assert listed(moothall) == ["hornets", "wasps", "bees"]
    assert listed(moothall, "--limit", "2") == ["hornets", "wasps"]
    assert listed(moothall, "--drafts") == ["draft of bees"]
    assert listed(moothall, "--author", "ada") == ["wasps", "bees", "draft of bees"]
    assert listed(moothall, "--author", "ada", "--drafts") == ["draft of bees"]
    assert listed(moothall, "--author", "bob", "--drafts") == []
    assert listed(moothall, "--q", "BEE") == ["bees"]
    assert listed(moothall, "--sort", "published_at") == ["bees", "wasps", "hornets"]
    lines = moothall.good("posts", "list").out.splitlines()
    assert [line.split("\t")[1:3] for line in lines] == [["bob", "hornets"], ["ada", "wasps"], ["ada", "bees"]]


def test_a_post_is_published_taken_back_and_deleted(moothall: Moothall, ada: dict[str, Any]) -> None:
    post = write(moothall)
    published = moothall.good("--json", "posts", "publish", post["id"]).json
    assert published["is_published"] is True
    back = moothall.good("--json", "posts", "unpublish", post["id"]).json
    assert (back["is_published"], back["published_at"]) == (False, published["published_at"])
    assert moothall("posts", "delete", post["id"]).code == 2
    assert moothall.good("--yes", "posts", "delete", post["id"]).out == ""
    gone = moothall("--json", "posts", "show", post["id"])
    assert gone.error["code"] == "post-not-found"
    everything = moothall.good("--json", "audit", "list").json
    trail = [entry for entry in everything if entry["action"].startswith("post.")]
    assert [entry["action"] for entry in trail] == [
        "post.deleted",
        "post.unpublished",
        "post.published",
        "post.created",
    ]
    assert all(entry["actor"].startswith("cli:") for entry in trail)


def test_what_cannot_be_is_refused_with_the_code_of_its_kind(moothall: Moothall, ada: dict[str, Any]) -> None:
    post = write(moothall)
    assert moothall("posts", "update", post["id"]).code == 2
    unknown = moothall("--json", "posts", "publish", str(uuid4()))
    nobody = moothall("--json", "posts", "create", "--as", "nobody", "--title", "a")
    bad = moothall("--json", "posts", "update", post["id"], "--title", "two\nlines")
    assert [outcome.error["code"] for outcome in (unknown, nobody, bad)] == [
        "post-not-found",
        "user-not-found",
        "control-characters",
    ]
    assert unknown.code == nobody.code != bad.code
