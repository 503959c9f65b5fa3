""".env.example is complete, true, and changes nothing when it is copied."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from entrypoints.settings import NOT_YET_USED, PREFIX, Settings
from tests.project.places import read

LINES = read(".env.example").splitlines()
SETTING = re.compile(r"#(MOOTHALL_\w+)=(.*)")
EXAMPLES = {match[1]: match[2] for line in LINES if (match := SETTING.fullmatch(line))}


def test_it_names_every_setting_once_and_no_other() -> None:
    known = [f"{PREFIX}{name.upper()}" for name in (*Settings.model_fields, *NOT_YET_USED)]
    named = [match[1] for line in LINES if (match := SETTING.fullmatch(line))]
    assert sorted(named) == sorted(known), "settings.py and .env.example have to name the same settings"


def test_what_has_no_effect_stands_under_the_heading_that_says_so() -> None:
    heading = next((number for number, line in enumerate(LINES) if "without effect" in line), len(LINES))
    idle = {match[1] for line in LINES[heading:] if (match := SETTING.fullmatch(line))}
    assert idle == {f"{PREFIX}{name}" for name in NOT_YET_USED}


def test_a_sentence_explains_each() -> None:
    unexplained = [
        line
        for before, line in pairwise(LINES)
        if SETTING.fullmatch(line) and not re.fullmatch(r"# .+\.|# .+: openssl rand .+", before)
    ]
    assert unexplained == []


def test_a_copy_changes_nothing() -> None:
    assert [line for line in LINES if line and not line.startswith("#")] == []


def test_the_values_shown_are_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shown = {name.removeprefix(PREFIX).lower(): value for name, value in EXAMPLES.items() if value}
    given = {name: value for name, value in shown.items() if name in Settings.model_fields}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert {name: getattr(Settings.model_validate(given), name) for name in given} == {n: defaults[n] for n in given}
    assert [name for name in defaults.keys() - given.keys() if defaults[name] not in (None, [])] == []
