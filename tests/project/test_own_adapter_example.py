"""The example of own adapters is run outside of the tree; what is broken in one of them breaks its contract; and the
guide shows what the example holds."""

import re
import sys
from pathlib import Path

import pytest
from moothall import contracts

from tests.architecture.sources import imported_modules, sources
from tests.project.examples import EXAMPLES, copied, run_pytest
from tests.project.places import read

EXAMPLE = EXAMPLES / "own-adapter"
GUIDE = "docs/how-to/write-an-adapter.md"
PASSED = re.compile(r"^(\d+) passed in ", re.MULTILINE)
FAILED = re.compile(r"^FAILED tests/test_broken_(\d+)\.py::\w+::(\w+)", re.MULTILINE)

MBOX, BLOBS, MEMBERS = "mbox", "sqlite_blobs", "members_file"
BREAKAGES = [
    (
        MBOX,
        "            box.add(content",
        "            b'key-7' in content or box.add(content",
        "test_many_that_are_sent_at_once_arrive_each_once",
    ),
    (
        MBOX,
        "            box.lock()\n",
        "            box.lock()\n            box.add(content)\n",
        "test_a_mail_arrives_whole",
    ),
    (MBOX, '.replace(b"\\r\\nFrom ", b"\\r\\n=46rom ")', "", "test_letters_of_all_alphabets_arrive"),
    (
        BLOBS,
        "                await self._do(_remove, file_id)\n",
        "                await self._do(_finish, file_id, number, key)\n",
        "test_a_stream_that_breaks_off_leaves_nothing",
    ),
    (
        BLOBS,
        'f"{prefix}/" if prefix else ""',
        "prefix",
        "test_whatever_lies_below_a_prefix_is_listed_with_its_time",
    ),
    (
        BLOBS,
        "key IS NULL AND stored_at < ?",
        "stored_at < ?",
        "test_what_is_whole_or_was_begun_just_now_is_never_taken_for_unfinished",
    ),
    (
        MEMBERS,
        " or stored.version != user.version",
        "",
        "test_only_the_version_that_is_stored_can_be_saved",
    ),
    (
        MEMBERS,
        "        self.spoiled_by = self.spoiled_by or error\n",
        "",
        "test_after_a_conflict_nothing_is_committed_even_if_somebody_caught_it",
    ),
    (MEMBERS, "async with self._turn:", "if True:", "test_concurrent_changes_of_one_account_all_count"),
    (
        MEMBERS,
        "each.username_key == user.username_key",
        "each.username == user.username",
        "test_of_usernames_that_differ_by_case_exactly_one_is_stored",
    ),
]
"""In which adapter something is put in the place of something, and what finds it."""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return copied("own-adapter", tmp_path)


def test_adapters_of_ones_own_keep_the_contracts_and_moothall_runs_with_them(example: Path) -> None:
    ran = run_pytest(example)
    assert ran.returncode == 0, ran.stdout
    assert PASSED.findall(ran.stdout) == ["116"]


def test_the_contracts_can_be_run_in_the_automatic_mode_as_well(example: Path) -> None:
    ran = run_pytest(example, "-o", "asyncio_mode=auto", *(f"tests/test_{name}.py" for name in (MBOX, BLOBS, MEMBERS)))
    assert ran.returncode == 0, ran.stdout
    assert PASSED.findall(ran.stdout) == ["114"]


def test_a_broken_adapter_breaks_its_contract(example: Path) -> None:
    """Each is broken in a copy of its own, and all are run at once."""
    for number, (adapter, good, bad, _) in enumerate(BREAKAGES):
        source = (example / "club_adapters" / f"{adapter}.py").read_text()
        assert good in source
        (example / "club_adapters" / f"broken_{number}.py").write_text(source.replace(good, bad))
        suite = (example / "tests" / f"test_{adapter}.py").read_text()
        broken = suite.replace(f"club_adapters.{adapter}", f"club_adapters.broken_{number}")
        (example / "tests" / f"test_broken_{number}.py").write_text(broken)
    suites = [f"tests/test_broken_{number}.py" for number in range(len(BREAKAGES))]
    ran = run_pytest(example, *suites, "-k", " or ".join(found_by for *_, found_by in BREAKAGES))
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout
    failed = set(FAILED.findall(ran.stdout))
    assert {(f"{number}", found_by) for number, (*_, found_by) in enumerate(BREAKAGES)} - failed == set()
    assert "error" not in ran.stdout.splitlines()[-1]


def test_a_contract_without_its_fixture_says_which_one_it_wants(tmp_path: Path) -> None:
    names = [name for name in contracts.__all__ if name.endswith("Contract")]
    lines = [f"class Test{name}({name}): pass" for name in names]
    (tmp_path / "test_nothing.py").write_text("\n".join(["from moothall.contracts import *", *lines]))
    ran = run_pytest(
        tmp_path, "-k", "arrives_whole or may_be_later or was_put_is_read or is_unavailable or every_field"
    )
    told = set(re.findall(r"^Override the fixture `(\w+)`", ran.stdout, re.MULTILINE))
    assert told == {"blobs", "outgoing", "transactions", "unreachable"}
    assert "passed" not in ran.stdout


def test_the_contracts_ask_for_nothing_but_pytest_and_what_adapters_are_written_against() -> None:
    allowed = sys.stdlib_module_names | {"pytest", "domain", "application", "moothall"}
    strangers = [
        f"{source.at(node)} imports {module}"
        for source in sources("tests/kit/moothall/contracts")
        for node, module in imported_modules(source)
        if module.partition(".")[0] not in allowed
    ]
    assert strangers == []


def test_the_guide_shows_what_the_example_holds() -> None:
    files = [path.read_text() for path in EXAMPLE.rglob("*") if path.suffix in (".py", ".toml", ".md")]
    shown = re.findall(r"^```\w+\n(.*?)^```$", read(GUIDE), re.MULTILINE | re.DOTALL)
    assert len(shown) >= 6
    assert [block for block in shown if not any(block in text for text in files)] == []


def test_the_guide_names_every_contract_and_its_fixture() -> None:
    told = dict(re.findall(r"^\| `(\w+Contract)` \| `(\w+)` \|", read(GUIDE), re.MULTILINE))
    assert told.keys() == {name for name in contracts.__all__ if name.endswith("Contract")}
    assert {name: fixture for name, fixture in told.items() if not hasattr(getattr(contracts, name), fixture)} == {}
