"""Errors say what happened, in a code that programs can rely on."""

import ast
import re

from domain.errors import CATEGORIES
from tests.architecture.sources import last_name, report, sources

KEBAB_CASE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAMES = {category.__name__ for category in CATEGORIES}
STATUS_WORDS = {"HTTPException", "HTTPStatus", "status_code"}


def test_codes_are_kebab_case() -> None:
    breaches = [
        f"{source.at(node)} {node.args[0].value!r}"
        for source in sources("domain", "application", "adapters")
        for node in source.walk()
        if isinstance(node, ast.Call)
        and _is_error(node.func)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and not KEBAB_CASE.fullmatch(str(node.args[0].value))
    ]
    assert not breaches, report("write the code in small letters with hyphens, such as `email-taken`.", breaches)


def test_nothing_inside_speaks_of_statuses() -> None:
    """But for the client that other services answer."""
    breaches = [
        f"{source.at(node)} {name}"
        for source in sources("domain", "application", "adapters")
        for node in source.walk()
        if isinstance(node, ast.Name | ast.Attribute)
        and (name := last_name(node)) in STATUS_WORDS
        and not source.name.startswith("adapters/webhooks/")
    ]
    assert not breaches, report(
        "raise one of the errors in domain/errors.py; the errors.py of each entrypoint translates it.",
        breaches,
    )


def _is_error(function: ast.expr) -> bool:
    """`Conflict(…)` and `Invalid.field(…)`."""
    if isinstance(function, ast.Attribute) and function.attr == "field":
        return last_name(function.value) in NAMES
    return last_name(function) in NAMES
