"""Files that one can read in one go, and nothing that happens at import."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import LAYERS, last_name, report, sources

LONGEST_FILE = 600
OPENED_AT_RUN_TIME = {"create_engine", "create_async_engine", "async_sessionmaker", "sessionmaker", "create_pool"}


def test_no_file_is_longer_than_one_can_keep_in_mind() -> None:
    breaches = [
        f"{source.name} has {lines} lines"
        for source in sources(*LAYERS, "tests", "migrations")
        if (lines := len(source.path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert not breaches, report(f"split it by conversation, {LONGEST_FILE} lines at most in each file.", breaches)


def test_no_file_is_an_empty_layer() -> None:
    breaches = [f"{source.name} holds nothing" for source in sources(*LAYERS) if not source.tree.body]
    assert not breaches, report("say in one sentence what the package is, or remove it.", breaches)


def test_no_engine_is_made_at_import() -> None:
    breaches = [
        f"{source.at(node)} calls {last_name(node.func)}"
        for source in sources()
        for node in _run_at_import(source.tree)
        if isinstance(node, ast.Call) and last_name(node.func) in OPENED_AT_RUN_TIME
    ]
    assert not breaches, report(
        "make engines in a function that entrypoints/bootstrap calls, so that what opened them closes them.",
        breaches,
    )


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a module that is executed when it is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _run_at_import(child)
