"""What holds for every command: help, global options, exit codes, signals, pipes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoints.cli.errors import ExitCode
from entrypoints.cli.main import COMMANDS, NOUNS, module_of
from tests.entrypoints.cli.command import PROGRAM, Moothall, at_terminal

END_OF_INPUT = "\x04"
HEAVY = ("alembic", "application", "fastapi", "pydantic", "rich", "sqlalchemy")


def test_help_imports_nothing_heavy(home: Path) -> None:
    """`moothall --help` has to answer at once."""
    code = (
        "import atexit, sys\n"
        "from entrypoints.cli.main import run\n"
        f"atexit.register(lambda: print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules))))\n"
        "run(['--help'])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Usage: moothall" in printed
    assert "heavy: []" in printed


def test_help_names_every_noun_and_every_exit_code(moothall: Moothall) -> None:
    text = moothall.good("--help").out
    for noun in (*COMMANDS, *NOUNS):
        assert f"\n  {noun} " in text
    for code in ExitCode:
        assert f"\n    {code}  {code.name.lower().replace('_', ' ')}\n" in text


@pytest.mark.parametrize("noun", [*COMMANDS, *NOUNS])
def test_every_noun_explains_itself(moothall: Moothall, noun: str) -> None:
    assert f"Usage: moothall {noun}" in moothall.good(noun, "--help").out


def test_every_verb_explains_itself(moothall: Moothall) -> None:
    for noun in NOUNS:
        for command in module_of(noun).app.registered_commands:
            verb = command.name or command.callback.__name__.replace("_", "-")
            assert f"Usage: moothall {noun} {verb}" in moothall.good(noun, verb, "--help").out


def test_the_version_is_told(moothall: Moothall) -> None:
    assert moothall.good("--version").out.startswith("moothall 0.")


@pytest.mark.parametrize("words", [[], ["users"]])
def test_without_a_verb_the_choice_is_shown(moothall: Moothall, words: list[str]) -> None:
    outcome = moothall(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: moothall")


@pytest.mark.parametrize(
    "words", [["usrs"], ["users", "shw"], ["users", "show"], ["--what"], ["users", "list", "--limit", "many"]]
)
def test_a_wrong_command_is_a_usage_error(moothall: Moothall, words: list[str]) -> None:
    outcome = moothall(*words)
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert "--help" in outcome.err


def test_a_usage_error_is_an_object_for_programs(moothall: Moothall) -> None:
    outcome = moothall("users", "show", "--json")
    assert outcome.code == 2
    assert outcome.error["code"] == "usage"


@pytest.mark.parametrize("words", [("--json", "keys", "list"), ("keys", "--json", "list"), ("keys", "list", "--json")])
def test_global_options_stand_anywhere(moothall: Moothall, words: tuple[str, ...]) -> None:
    assert isinstance(moothall.good(*words).json, list)


def test_what_looks_like_a_global_option_can_be_a_value(moothall: Moothall) -> None:
    outcome = moothall("users", "show", "--", "--json")
    assert outcome.code == 3
    assert outcome.err == "error: There is no user '--json'.\n"


def test_quiet_leaves_messages_out(moothall: Moothall) -> None:
    assert moothall.good("--quiet", "db", "upgrade").err == ""
    assert moothall.good("db", "upgrade").err != ""


def test_a_wrong_setting_names_itself(moothall: Moothall) -> None:
    moothall.setting(DATABSE_URL="sqlite:///x.db", BCRYPT_COST="99")
    outcome = moothall("users", "list")
    assert outcome.code == 2
    assert "MOOTHALL_DATABSE_URL" in outcome.err
    assert "did you mean MOOTHALL_DATABASE_URL?" in outcome.err


def test_every_wrong_setting_has_its_own_line(moothall: Moothall) -> None:
    moothall.setting(BCRYPT_COST="99", DB_TIMEOUT="soon")
    lines = moothall("users", "list").err.splitlines()
    assert lines[0] == "error: The settings are not good."
    assert sorted(line.partition(":")[0] for line in lines[1:]) == ["  MOOTHALL_BCRYPT_COST", "  MOOTHALL_DB_TIMEOUT"]


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(moothall: Moothall) -> None:
    (moothall.home / "file").touch()
    moothall.setting(DATA_DIR=str(moothall.home / "file" / "data"))
    outcome = moothall("users", "list")
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert "Traceback" not in outcome.err


def test_ctrl_c_is_quiet(home: Path) -> None:
    with at_terminal("users", "create-admin", "--email", "root@example.com") as asked:
        asked.expect("Password: ")
        outcome = asked.end(signal.SIGINT)
    assert (outcome.code, outcome.out, outcome.err.strip()) == (130, "", "Password:")


def test_a_question_without_an_answer_is_told_in_a_sentence(home: Path) -> None:
    with at_terminal("users", "create-admin", "--email", "root@example.com") as asked:
        asked.expect("Password: ")
        asked.type(END_OF_INPUT)
        outcome = asked.end()
    assert outcome.code == 1
    assert outcome.err.endswith("error: There was no answer.\n")


def test_a_reader_that_goes_away_is_no_error_to_talk_about(home: Path) -> None:
    ended = subprocess.run(f"{PROGRAM} --help | true", shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert ended.stderr == ""
