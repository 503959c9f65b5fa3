"""Use cases: callable frozen dataclasses in the table of contents, with a rule, and the caller as first argument."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from application.app import use_cases
from domain.access.policy import PROCESS_ITSELF, Rule
from tests.architecture.sources import REPOSITORY, last_name, report, sources

THIS_FILE = "tests/architecture/test_use_cases.py"

USE_CASES = dict(use_cases())

WITHOUT_ACTOR = {
    "identify_caller": "it is what finds out who is calling",
    "ensure_signing_key": "the start of a process calls it, before anybody can call",
    "publish_keys": "the public halves of the keys are for everybody, whoever asks",
    "redeem_ticket": "it is what finds out who is calling",
}

WITHOUT_ENTRY = {
    "forgot_password": "nothing changes yet; the follow-up records it, if there is such an account",
    "request_verification": "as forgot_password",
    "identify_caller": "that an API key was used is noted with the key, to the minute; nobody changed anything",
    "introspect_token": "it only reads, though under a lock",
    "seal": "it seals the trail itself",
    "read_notification": "that a member has read what is theirs concerns nobody else",
    "read_all_notifications": "as read_notification",
    "open_ticket": "it opens nothing that its session does not; the trail has the sign-in",
    "redeem_ticket": "as open_ticket",
    "say": "the message itself tells who and when, and goes with its author, which an entry never does",
}

WITHOUT_ROUTE = {
    "create_first_admin": "who may make it is whoever can run commands on the server; there is no default account",
    "ensure_signing_key": "the start of a process calls it",
    "find_user": "it turns what people call a user into an id; the list has a search",
    "list_messages": "members read them through a live connection",
    "list_signing_keys": "the public halves are published; what else there is to know concerns who runs the server",
    "say": "it is said through a live connection",
    "rotate_signing_keys": "signing keys are the matter of who runs the server",
    "seal": "servers and workers do it all the time",
    "sweep": "servers and workers do it all the time",
    "verify": "it reads the whole trail; whoever distrusts the server runs it beside the server",
}

WITHOUT_COMMAND = {
    "accept_invitation": "whoever was invited has the link; `users update` and `users reset-password` help",
    "change_email": "`users update --email` changes it",
    "forgot_password": "`users reset-password` sends the link",
    "request_verification": "`users update --verified` needs no link",
    "reset_password": "whoever forgot it has the link; `users reset-password` sends it",
    "verify_email": "`users update --verified` needs no link",
    "change_me": "the operator has no account; `users update` changes anybody's",
    "change_password": "the operator knows nobody's password",
    "delete_me": "the operator has no account; `users delete` deletes anybody's",
    "end_other_sessions": "the operator has no sessions; `sessions end --user` ends anybody's",
    "ensure_signing_key": "every command does it when it opens the application",
    "identify_caller": "whoever runs commands is the operator",
    "impersonate": "it lives as long as the session of who does it, and the operator has none",
    "introspect_token": "tokens do not belong on a command line",
    "log_in": "whoever runs commands is the operator",
    "log_out": "the operator has no session",
    "open_ticket": "the operator has no session",
    "redeem_ticket": "whoever runs commands is the operator",
    "say": "the operator has no account to speak for",
    "publish_keys": "it is for programs that verify tokens; `keys list` shows the keys",
    "refresh": "the operator has no session",
    "register": "`users create` makes accounts",
    "show_my_profile": "the operator has no account; `profiles show` shows anybody's",
    "show_avatar": "a terminal shows no pictures; `profiles show` says where it is",
    "take_payment_notice": "gateways call it, and sign what they say; `orders pay` is the way by hand",
    "show_dashboard": "the operator has none; each of its parts has a command of its own",
    "revoke_token": "tokens do not belong on a command line; `sessions end` ends their sessions",
}


def test_actor_comes_first() -> None:
    breaches = [
        f"{name} ({_where(kind)}) takes {_first_parameter(kind) or 'nothing'} first"
        for name, kind in USE_CASES.items()
        if _first_parameter(kind) != "actor" and name not in WITHOUT_ACTOR
    ]
    assert not breaches, report(
        "make `actor: Actor` the first parameter of __call__ and decide on it (domain/access/policy.py). A use case "
        f"that needs no caller goes into WITHOUT_ACTOR in {THIS_FILE}, with its reason.",
        breaches,
    )


def test_every_use_case_declares_its_rule() -> None:
    breaches = [
        f"{name} ({_where(kind)})" for name, kind in USE_CASES.items() if not isinstance(vars(kind).get("rule"), Rule)
    ]
    assert not breaches, report("declare `rule: ClassVar[Rule] = …` (domain/access/policy.py) in the class.", breaches)


def test_every_rule_is_asked() -> None:
    breaches = [
        f"{name} ({_where(kind)})"
        for name, kind in USE_CASES.items()
        if not kind.rule.anybody and kind.rule != PROCESS_ITSELF and not _asks_its_rule(kind)
    ]
    assert not breaches, report("begin __call__ with `require(actor, self.rule, …)`.", breaches)


def test_every_change_is_recorded() -> None:
    breaches = [
        f"{name} ({_where(kind)})"
        for name, kind in USE_CASES.items()
        if _calls(kind, "begin") and not _calls(kind, "record") and name not in WITHOUT_ENTRY
    ]
    assert not breaches, report(
        "call `self.trail.record(uow, actor, …)` in the unit of work that makes the change. A use case that changes "
        f"nothing goes into WITHOUT_ENTRY in {THIS_FILE}, with its reason.",
        breaches,
    )


def test_every_use_case_has_a_route() -> None:
    reached = _reached_from("entrypoints/http")
    breaches = [name for name in USE_CASES if name not in reached and name not in WITHOUT_ROUTE]
    assert not breaches, report(f"give it a route, or a reason in WITHOUT_ROUTE in {THIS_FILE}.", breaches)


def test_every_use_case_has_a_command() -> None:
    reached = _reached_from("entrypoints/cli")
    breaches = [name for name in USE_CASES if name not in reached and name not in WITHOUT_COMMAND]
    assert not breaches, report(f"give it a command, or a reason in WITHOUT_COMMAND in {THIS_FILE}.", breaches)


def test_no_exception_is_left_over() -> None:
    by_route, by_command = _reached_from("entrypoints/http"), _reached_from("entrypoints/cli")
    needless = {
        "WITHOUT_ACTOR": [name for name in WITHOUT_ACTOR if _first_parameter(USE_CASES[name]) == "actor"],
        "WITHOUT_ENTRY": [name for name in WITHOUT_ENTRY if _calls(USE_CASES[name], "record")],
        "WITHOUT_ROUTE": [name for name in WITHOUT_ROUTE if name in by_route],
        "WITHOUT_COMMAND": [name for name in WITHOUT_COMMAND if name in by_command],
    }
    breaches = [f"{name} in {table}" for table, names in needless.items() for name in names]
    breaches += [
        f"{name} is no use case"
        for table in (WITHOUT_ACTOR, WITHOUT_ENTRY, WITHOUT_ROUTE, WITHOUT_COMMAND)
        for name in table
        if name not in USE_CASES
    ]
    assert not breaches, report(f"take these out of the tables in {THIS_FILE}.", breaches)


def test_everything_but_the_caller_is_given_by_name() -> None:
    breaches = [
        f"{name} ({_where(kind)}) takes {parameter.name} by position"
        for name, kind in USE_CASES.items()
        if name not in WITHOUT_ACTOR
        for parameter in list(inspect.signature(kind.__call__).parameters.values())[2:]
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD)
    ]
    assert not breaches, report("put a `*` behind `actor`.", breaches)


def test_use_cases_are_frozen_and_asynchronous() -> None:
    breaches = [
        f"{name} ({_where(kind)})"
        for name, kind in USE_CASES.items()
        if not (kind.__dataclass_params__.frozen and inspect.iscoroutinefunction(kind.__call__))
    ]
    assert not breaches, report("make it a `@dataclass(frozen=True)` with an `async def __call__`.", breaches)


def test_the_table_of_contents_is_complete() -> None:
    listed = set(USE_CASES.values())
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


def _call_nodes(kind: type[Any]) -> Iterator[ast.Call]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _calls(kind: type[Any], name: str) -> bool:
    return any(last_name(call.func) == name for call in _call_nodes(kind))


def _asks_its_rule(kind: type[Any]) -> bool:
    return any(
        last_name(call.func) in ("require", "require_own", "is_theirs_to_see")
        and "self.rule" in map(ast.unparse, call.args)
        for call in _call_nodes(kind)
    )


def _reached_from(folder: str) -> set[str]:
    """The use cases that are named there as `application.chapter.use_case` or `application.use_case`."""
    return {
        node.attr
        for source in sources(folder)
        for node in source.walk()
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("application.")
    }
