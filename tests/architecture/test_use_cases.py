"""Use cases: callable frozen dataclasses in the table of contents, with the caller as their first argument."""

import importlib
import inspect
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from application.app import Application
from tests.architecture.sources import REPOSITORY, report, sources

THIS_FILE = "tests/architecture/test_use_cases.py"

WITHOUT_ACTOR = {
    "identify_caller": "it is what finds out who is calling",
    "ensure_signing_key": "the start of a process calls it, before anybody can call",
    "publish_keys": "the public halves of the keys are for everybody, whoever asks",
}


def use_cases(contents: type[Any] = Application) -> dict[str, type[Any]]:
    """By the names that the table of contents and its chapters give them."""
    found: dict[str, type[Any]] = {}
    for name, kind in get_type_hints(contents).items():
        if is_dataclass(kind):
            found |= {name: kind} if "__call__" in vars(kind) else use_cases(kind)
    return found


def test_actor_comes_first() -> None:
    breaches = [
        f"{name} ({_where(kind)}) takes {_first_parameter(kind) or 'nothing'} first"
        for name, kind in use_cases().items()
        if _first_parameter(kind) != "actor" and name not in WITHOUT_ACTOR
    ]
    assert not breaches, report(
        "make `actor: Actor` the first parameter of __call__ and decide on it (domain/access/policy.py). A use case "
        f"that needs no caller goes into WITHOUT_ACTOR in {THIS_FILE}, with its reason.",
        breaches,
    )


def test_no_exception_is_left_over() -> None:
    known = use_cases()
    breaches = [name for name in WITHOUT_ACTOR if name not in known or _first_parameter(known[name]) == "actor"]
    assert not breaches, report(f"take these out of WITHOUT_ACTOR in {THIS_FILE}.", breaches)


def test_everything_but_the_caller_is_given_by_name() -> None:
    breaches = [
        f"{name} ({_where(kind)}) takes {parameter.name} by position"
        for name, kind in use_cases().items()
        if name not in WITHOUT_ACTOR
        for parameter in list(inspect.signature(kind.__call__).parameters.values())[2:]
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
    ]
    assert not breaches, report("put a `*` behind `actor`.", breaches)


def test_use_cases_are_frozen_and_asynchronous() -> None:
    breaches = [
        f"{name} ({_where(kind)})"
        for name, kind in use_cases().items()
        if not (kind.__dataclass_params__.frozen and inspect.iscoroutinefunction(kind.__call__))
    ]
    assert not breaches, report("make it a `@dataclass(frozen=True)` with an `async def __call__`.", breaches)


def test_the_table_of_contents_is_complete() -> None:
    listed = set(use_cases().values())
    breaches = []
    for source in sources("application"):
        module = importlib.import_module(".".join(source.path.relative_to(REPOSITORY).with_suffix("").parts))
        for node in source.classes():
            kind = vars(module).get(node.name)
            if is_dataclass(kind) and "__call__" in vars(kind) and kind not in listed:
                breaches.append(f"{source.at(node)} {node.name}")
    assert not breaches, report("give it a field in application/app.py, or remove it: nothing can reach it.", breaches)


def _first_parameter(kind: type[Any]) -> str | None:
    return next(iter(list(inspect.signature(kind.__call__).parameters)[1:]), None)


def _where(kind: type[Any]) -> str:
    return f"{kind.__module__.replace('.', '/')}.py"
