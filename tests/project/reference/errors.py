"""docs/reference/errors.md: every code that there is, what it becomes at the edges, and the sentences that it comes
with.

Codes are found where errors are raised, in the sources themselves; one that cannot be read there, or that no sentence
explains, is refused with the place where it stands.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from domain.errors import CATEGORIES, Denied, Invalid, MoothallError, Throttled, Unauthenticated, Unavailable
from domain.orders.order import COMES_FROM
from entrypoints.cli.errors import EXIT_CODES, ExitCode
from entrypoints.http.errors import CODE_OF_STATUS, STATUS_OF
from tests.architecture.sources import LAYERS, Source, last_name, sources
from tests.project.reference import markdown

Categories = frozenset[type[MoothallError]]

NAMED = {category.__name__: category for category in CATEGORIES}

COMPUTED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("domain/orders/order.py", "f'order-not-{before[0].value}'"): tuple(
        sorted({f"order-not-{before[0].value}" for before in COMES_FROM.values() if before})
    ),
}
"""Codes that are put together, by the file and the expression."""

ELSEWHERE: Mapping[str, str] = {
    "refusal.code": "domain/access/policy.py",
    "MEMBERS_ONLY.code": "domain/access/policy.py",
    "self.code": "entrypoints/testing/faults.py",
    "error.code": "",
}
"""Expressions whose codes are written down in that file, and found there."""

EXPLAINED: Mapping[str, str] = {
    "account-disabled": "This account is disabled.",
    "bad-email": "This is no e-mail address, or one that no mail can be sent to.",
    "bad-password-hash": "This is no password hash of a known kind, or one that costs too much to check.",
    "bad-token": "The access token is not (or no longer) good.",
    "bad-url": "This is no address that a webhook may have: http or https, a host, no user and no fragment.",
    "changed-meanwhile": "This was changed by somebody else at the same moment; read it again.",
    "control-characters": "This may not hold control characters.",
    "mixed-currencies": "One order is in one currency.",
    "password-refused": "The password is too short, too easily guessed, or breaks the rules; `errors` says why.",
    "order-not-paid": "This order is not paid, or not any more.",
    "order-not-placed": "This order is not waiting to be paid any more.",
    "unknown-permission": "There is no such permission; `GET /permissions` lists them.",
    "unknown-kind": "There is no such kind of notification.",
    "user-not-found": "There is no such member; or none was named where one has to be.",
}
"""What is said in other words each time."""

AT_THE_HTTP_EDGE: Mapping[str, tuple[str, str]] = {
    "foreign-origin": ("403", "Pages of this origin may not open a live connection; see `MOOTHALL_CORS_ORIGINS`."),
    "not-found": ("404", "There is nothing at this address."),
    "method-not-allowed": (
        "405",
        "There is something at this address, but not for this method; `Allow` names those that are.",
    ),
    "body-too-slow": ("408", "The body did not come in time."),
    "body-too-large": ("413", "The body is larger than it may be."),
    "unsupported-media-type": ("415", "The body is of another media type than the one wanted, which `Accept` names."),
    "upgrade-required": ("426", "This address is a WebSocket; say `Upgrade: websocket`."),
    "malformed-body": ("422", "The body cannot be read."),
    "http-error": ("4xx", "The request breaks HTTP itself in another way; the status says how."),
    "internal-error": ("500", "Something went wrong on our side; the request id helps to find out what."),
}
ON_THE_COMMAND_LINE: Mapping[str, tuple[ExitCode, str]] = {
    "usage": (ExitCode.USAGE, "There is no such command, option or argument."),
    "settings": (ExitCode.USAGE, "The settings are not good; `errors` names each."),
    "aborted": (ExitCode.FAILED, "There was no answer to a question."),
    "system": (ExitCode.FAILED, "The operating system refused something: a file, a folder, a port."),
}
ON_THE_LIVE_CHANNEL: Mapping[str, str] = {
    "room-closed": "With `left`: the room was closed.",
    "gap-too-old": "What was missed is too old to be told again; it goes on live, and lists have the rest.",
}
OAUTH: Mapping[str, tuple[str, str]] = {
    "invalid_request": ("400", "A parameter is missing, came twice, or the form cannot be read."),
    "invalid_grant": (
        "400",
        "The password or the refresh token is not (or no longer) good, or the account is disabled.",
    ),
    "unsupported_grant_type": ("400", "The grants here are `password` and `refresh_token`."),
    "invalid_token": ("401", "The credentials of who asks are not good."),
    "insufficient_scope": ("403", "Who asks may not do this."),
    "temporarily_unavailable": (
        "429, 503",
        "There were too many, or a part is away; `Retry-After` says when to come again.",
    ),
}

INTRODUCTION = """\
Over HTTP an error is `application/problem+json` (RFC 9457), and the status is that of its kind. On the command line it
is a sentence on standard error, or with `--json` an object with `code`, `detail` and `errors`, and the exit code is
that of its kind. On the live channel it is a message `error` with `code` and `detail`.

Programs go by `code`, which is stable; `detail` is for people, and may change. `errors` is there for invalid input: a
list of `pointer` (RFC 6901, into the input) and `detail`. [HTTP API](http.md) says which operation answers which code.

```json
{
  "type": "urn:moothall:problem:email-taken",
  "title": "Conflict",
  "status": 409,
  "detail": "There is an account with this e-mail address already.",
  "instance": "/api/v1/auth/register",
  "code": "email-taken",
  "request_id": "0197f3a2-5c1e-7b90-8d2f-000000000001"
}
```"""

HEADINGS: Mapping[type[MoothallError], str] = {
    Invalid: "Invalid input",
    NAMED["NotFound"]: "Not found",
    NAMED["Conflict"]: "Conflicts",
    NAMED["Stale"]: "Stale versions",
    Unauthenticated: "Who is calling is not known",
    Denied: "Not allowed",
    Throttled: "Too many",
    Unavailable: "Away, or overloaded",
}


@dataclass
class Found:
    """A code: the kinds of error that it comes with, the sentences, and where it is raised."""

    kinds: set[type[MoothallError]] = field(default_factory=set)
    sentences: dict[str, None] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)


class NotReadable(Exception):
    """A code that is not written down where it is raised, and not accounted for here."""


def page() -> str:
    found = codes()
    parts = [_of_kind(category, found) for category in CATEGORIES]
    return markdown.page("Errors", INTRODUCTION, *parts, *_edges())


@cache
def codes() -> Mapping[str, Found]:
    """Every code of an error of the product that the sources raise.

    Raises:
        NotReadable: for one that has to be told here.
    """
    found: dict[str, Found] = {}
    for source in sources(*LAYERS):
        for call in (node for node in source.walk() if isinstance(node, ast.Call)):
            kind = _kind(call)
            if kind is not None and call.args:
                for code, sentence in _said(source, call):
                    entry = found.setdefault(code, Found())
                    entry.kinds.add(kind)
                    entry.places.add(source.at(call))
                    if sentence:
                        entry.sentences[sentence] = None
    for code, entry in found.items():
        if code in EXPLAINED:
            entry.sentences = {EXPLAINED[code]: None}
        if not entry.sentences:
            raise NotReadable(f"Say in EXPLAINED what {code} means ({', '.join(sorted(entry.places))}).")
    return found


def all_codes() -> set[str]:
    """Those of the edges, too."""
    return {*codes(), *AT_THE_HTTP_EDGE, *ON_THE_COMMAND_LINE, *ON_THE_LIVE_CHANNEL}


def _kind(call: ast.Call) -> type[MoothallError] | None:
    """`Conflict(…)`, `Invalid.field(…)`, the reasons why somebody may not, and what testers make fail."""
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "field":
        return NAMED.get(last_name(function.value))
    if last_name(function) == "FaultyPort":
        return Unavailable
    if last_name(function) == "Refusal":
        first = call.args[0] if call.args else None
        is_stranger = isinstance(first, ast.Constant) and first.value == "not-signed-in"
        return Unauthenticated if is_stranger else Denied
    return NAMED.get(last_name(function))


def _said(source: Source, call: ast.Call) -> Iterator[tuple[str, str]]:
    """Its code and its sentence; several where one function makes errors of several codes."""
    if last_name(call.func) == "FaultyPort":
        call = ast.Call(call.func, call.args[2:], [])
        if isinstance(call.args[0], ast.Starred):
            return
    first, detail = call.args[0], _detail(call)
    if isinstance(first, ast.Constant):
        yield str(first.value), _sentence(source, detail)
        return
    text = ast.unparse(first)
    if text in ELSEWHERE:
        return
    if (source.name, text) in COMPUTED:
        for code in COMPUTED[source.name, text]:
            yield code, _sentence(source, detail)
        return
    made = list(_from_callers(source, call, first, detail))
    if not made:
        raise NotReadable(f"{source.at(call)}: {text}")
    yield from made


def _detail(call: ast.Call) -> ast.expr | None:
    is_of_a_field = isinstance(call.func, ast.Attribute) and call.func.attr == "field"
    number = 2 if is_of_a_field else 1
    return call.args[number] if len(call.args) > number else None


def _from_callers(source: Source, call: ast.Call, code: ast.expr, detail: ast.expr | None) -> Iterator[tuple[str, str]]:
    """Where a function is given the code: what the calls of that function say."""
    for function in (node for node in source.walk() if isinstance(node, ast.FunctionDef)):
        names = [argument.arg for argument in function.args.args]
        if not isinstance(code, ast.Name) or code.id not in names or call not in set(ast.walk(function)):
            continue
        for caller in (node for node in source.walk() if isinstance(node, ast.Call)):
            if last_name(caller.func) == function.name:
                given = dict(zip(names, caller.args, strict=False))
                said = given.get(code.id)
                if not isinstance(said, ast.Constant):
                    raise NotReadable(f"{source.at(caller)}: {ast.unparse(caller)}")
                yield (
                    str(said.value),
                    _sentence(source, given.get(detail.id) if isinstance(detail, ast.Name) else detail),
                )


def _sentence(source: Source, detail: ast.expr | None) -> str:
    """As it is said; what differs from time to time is an ellipsis. Empty where it is put together elsewhere."""
    match detail:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_part(source, part) for part in parts)
        case _:
            return ""


def _part(source: Source, part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    with suppress(Exception):
        value = eval(ast.unparse(part.value), _globals(source))  # noqa: S307
        if isinstance(value, str | int):
            return f"{value:,}" if isinstance(value, int) else value
    return "…"


def _globals(source: Source) -> dict[str, Any]:
    return dict(vars(import_module(source.name.removesuffix(".py").replace("/", "."))))


def _of_kind(category: type[MoothallError], found: Mapping[str, Found]) -> str:
    rows = [
        [markdown.code(code), markdown.plain(" / ".join(found[code].sentences))]
        for code in sorted(found)
        if category in found[code].kinds
    ]
    status, exit_code = STATUS_OF[category], EXIT_CODES[category]
    said = f"HTTP status {int(status)}, exit code {int(exit_code)}."
    return f"## {HEADINGS[category]}\n\n{said}\n\n{markdown.table(['code', 'what is said'], rows)}"


def _edges() -> Iterable[str]:
    http = [[markdown.code(code), status, said] for code, (status, said) in AT_THE_HTTP_EDGE.items()]
    yield f"## Of HTTP itself\n\n{markdown.table(['code', 'status', 'what it means'], http)}"
    cli = [[markdown.code(code), str(int(exit)), said] for code, (exit, said) in ON_THE_COMMAND_LINE.items()]
    yield f"## Of the command line itself\n\n{markdown.table(['code', 'exit code', 'what it means'], cli)}"
    live = [[markdown.code(code), said] for code, said in ON_THE_LIVE_CHANNEL.items()]
    yield f"## Of the live channel itself\n\n{markdown.table(['code', 'what it means'], live)}"
    oauth = [[markdown.code(code), status, said] for code, (status, said) in OAUTH.items()]
    yield (
        "## Of the OAuth 2 endpoints\n\n"
        "They answer as RFC 6749, section 5.2, has it: `error` and `error_description`.\n\n"
        + markdown.table(["error", "status", "what it means"], oauth)
    )


assert set(CODE_OF_STATUS.values()) < set(AT_THE_HTTP_EDGE)
