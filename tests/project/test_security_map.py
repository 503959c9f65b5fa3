"""`docs/security.md` names for each of S1 to S41 the tests and drills that hold it: all exist, none is forgotten."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.drills.__main__ import DRILLS
from tests.project.places import REPOSITORY, read

PROMISES = range(1, 42)
LEAVING_OUT = {"skip", "skipif", "xfail"}
OF_FAULTS = range(29, 36)


@cache
def _sections() -> list[tuple[int, str]]:
    _, *parts = re.split(r"^### S(\d+) · ", read("docs/security.md"), flags=re.MULTILINE)
    return [(int(number), text) for number, text in zip(parts[::2], parts[1::2], strict=True)]


def _tests_of(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))


def _drills_of(text: str) -> set[str]:
    return {
        name for line in re.findall(r"^- `make drills`: (.*)$", text, re.MULTILINE) for name in line.split("`")[1::2]
    }


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse(read(path))


def _functions(path: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    found = (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name: node for node in found if node.name.startswith("test_")}


def _named(text: str | None) -> set[int]:
    """S1, and S11 to S13. (Amazon's store of files is called like one of them.)"""
    text = re.sub(r"\bS3 (signature|client|bucket|server)\b|speaks S3", "", text or "")
    spans = {n for a, b in re.findall(r"\bS(\d+) to S(\d+)\b", text) for n in range(int(a), int(b) + 1)}
    return spans | {int(number) for number in re.findall(r"\bS(\d+)\b", text)}


def _files() -> Iterator[str]:
    return (str(path.relative_to(REPOSITORY)) for path in sorted(Path(REPOSITORY, "tests").rglob("test_*.py")))


def test_each_promise_is_there_once_and_in_order() -> None:
    assert [number for number, _ in _sections()] == list(PROMISES)


@pytest.mark.parametrize("number", PROMISES)
def test_what_holds_it_exists_and_is_not_left_out(number: int) -> None:
    [text] = [text for each, text in _sections() if each == number]
    named = _tests_of(text)
    assert named
    assert text.count("::") == len(named), "each test is named once"
    for path, name in named:
        function = _functions(path).get(name)
        assert function is not None, f"{path}::{name}"
        words = {word for part in function.decorator_list for word in re.findall(r"\w+", ast.unparse(part))}
        assert not words & LEAVING_OUT, f"{path}::{name}"
        assert "browser" not in path, "those run in `make test-browser` alone"
    assert _drills_of(text) <= DRILLS.keys()


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_is_named_where_it_says_what_it_holds(name: str) -> None:
    assert _named(DRILLS[name].holds) <= {number for number, text in _sections() if name in _drills_of(text)}


def test_each_fault_has_a_drill() -> None:
    assert {number for number, text in _sections() if number in OF_FAULTS and _drills_of(text)} == set(OF_FAULTS)


def test_a_test_that_names_a_promise_is_named_by_it() -> None:
    """And of a file that does, at least one."""
    told = {(number, *test) for number, text in _sections() for test in _tests_of(text)}
    lacking = []
    for path in _files():
        for name, function in _functions(path).items():
            numbers = _named(ast.get_docstring(function))
            lacking += [f"S{number}: {path}::{name}" for number in numbers if (number, path, name) not in told]
        for number in _named(ast.get_docstring(_tree(path))):
            if path != "tests/project/test_security_map.py" and not any(of[:2] == (number, path) for of in told):
                lacking.append(f"S{number}: {path}")
    assert lacking == []
