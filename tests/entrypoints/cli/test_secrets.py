"""No account that nobody made, and no secret in an argument or in what is printed (S39, S40)."""

from collections.abc import Iterator
from contextlib import closing
from sqlite3 import connect
from typing import Any

import typer.main

from entrypoints.cli.main import NOUNS, module_of
from tests.canaries import found_in
from tests.entrypoints.cli.command import Moothall

CANARY = "canary-siskin-9417-sings"
SECRET_KEY = "canary-secret-key-of-this-club-" * 2
SECRET_WORDS = ("password", "passphrase", "secret", "token")


def _options(command: Any) -> Iterator[str]:
    """All that take a value."""
    for parameter in command.params:
        if not getattr(parameter, "is_flag", False):
            yield from (*parameter.opts, *parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        yield from _options(below)


def test_no_option_of_any_command_takes_a_secret() -> None:
    commands = [typer.main.get_command(module_of(noun).app) for noun in NOUNS]
    names = {name for command in commands for name in _options(command)}
    found = {name for name in names if any(word in name for word in SECRET_WORDS)}
    assert "--password-file" in found
    assert {name for name in found if not name.endswith("-file")} == set()


def test_a_database_begins_without_an_account(moothall: Moothall) -> None:
    moothall.good("db", "upgrade")
    assert moothall.good("--json", "users", "list").json == []
    with closing(connect(moothall.home / "moothall-data" / "moothall.db")) as database:
        assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_secret_that_a_command_was_given_is_printed_nowhere(moothall: Moothall) -> None:
    """S40."""
    moothall.setting(
        LOG_LEVEL="debug",
        SECRET_KEY=SECRET_KEY,
        METRICS_TOKEN=CANARY,
        REDIS_URL=f"redis://:{CANARY}@127.0.0.1:1/0",
        SMTP_URL=f"smtp://moot:{CANARY}@127.0.0.1:1",
    )
    (moothall.home / "password").write_text(f"{CANARY}-2")
    said = []
    for words in (
        ["users", "create-admin", "--email", "root@example.com", "--password-file", "password"],
        ["users", "create", "--email", "ada@example.com", "--password-file", "password"],
        ["users", "create", "--email", "ada@example.com", "--password-file", "password"],
        ["--json", "users", "list"],
        ["config", "show"],
        ["config", "check"],
        ["doctor"],
        ["mail", "test", "ada@example.com"],
        ["keys", "rotate"],
        ["audit", "list"],
    ):
        outcome = moothall(*words)
        said.append(outcome.out + outcome.err)
    assert "ada@example.com" in "".join(said)
    assert found_in("".join(said), [CANARY, SECRET_KEY]) == []
