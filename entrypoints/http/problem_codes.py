"""Which codes the problems of an operation may carry, read from where they are decided: what the use case says that it
raises, its rule, and what kind of request it is."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from application.app import use_cases
from domain.access.policy import (
    MEMBERS_ONLY,
    NOT_IN_PERSON,
    NOT_SIGNED_IN,
    NOT_YOURS,
    SIGN_IN_AGAIN,
    Holding,
    Owning,
    Rule,
)
from domain.errors import Denied, Invalid, Stale
from entrypoints.http.errors import CODE_OF_STATUS, STATUS_OF
from entrypoints.http.middleware import HASH_A_PASSWORD, NEVER_REFUSED

Codes = dict[int, set[str]]

USE_CASES = dict(use_cases())

_STATUS_NAMED = {kind.__name__: int(status) for kind, status in STATUS_OF.items()}
_TEXT = ("control-characters", "empty-text", "text-too-long")
"""What "Invalid for the fields" means, whichever they are: see domain/text.py."""
_WORD = re.compile(rf"\b({'|'.join(_STATUS_NAMED)})\b( for\b)?|`([a-z][a-z0-9]*(?:-[a-z0-9]+)*)`")

_ALWAYS: Mapping[int, Iterable[str]] = {500: ["internal-error"]}
_OVERLOADED: Mapping[int, Iterable[str]] = {503: ["overloaded"]}
_HASHING: Mapping[int, Iterable[str]] = {503: ["busy"]}
_STRICT: Mapping[int, Iterable[str]] = {422: ["invalid-input"]}
_WITH_A_BODY: Mapping[int, Iterable[str]] = {status: [CODE_OF_STATUS[status]] for status in (408, 413)}
_WITH_A_STRICT_BODY: Mapping[int, Iterable[str]] = {status: [CODE_OF_STATUS[status]] for status in (415, 422)}
_WITH_A_FILE: Mapping[int, Iterable[str]] = {422: ["no-file", "more-than-a-file"]}
_WITH_CREDENTIALS: Mapping[int, Iterable[str]] = {401: ["bad-api-key", "bad-token"], 422: ["two-credentials"]}
_COUNTED: Mapping[int, Iterable[str]] = {
    429: ["too-many-requests"],
    503: ["database-privileges", "database-unavailable"],
}
_WITH_PARAMETER: Mapping[str, Mapping[int, Iterable[str]]] = {
    "cursor": {422: ["bad-cursor", "bad-page", "page-too-deep"]},
    "idempotency-key": {409: ["request-running"], 422: ["bad-idempotency-key", "idempotency-key-reused"]},
    "if-match": {412: ["stale-version"]},
    "sort": {422: ["bad-sort"]},
    "ticket": {401: ["bad-ticket"], 429: ["too-many-connections"]},
}


def of_use_case(name: str) -> Codes:
    """By status: those that its docstring names behind "Raises", and those of its rule."""
    kind = USE_CASES[name]
    found: Codes = defaultdict(set)
    for status, code in _named(kind.__call__.__doc__ or ""):
        found[status].add(code)
    if refusals := set(_refusals(kind.rule)):
        found[int(STATUS_OF[Denied])] |= refusals
    return found


def of_request(path: str, operation: Mapping[str, Any], *, open_to_strangers: bool) -> Codes:
    """What any request of this kind may be answered as a problem, whatever is done with it."""
    body = operation.get("requestBody", {}).get("content", {})
    parts = [_ALWAYS]
    if path not in NEVER_REFUSED:
        parts.append(_OVERLOADED)
    if path in HASH_A_PASSWORD:
        parts.append(_HASHING)
    if body:
        parts.append(_WITH_A_BODY)
    if operation["tags"] != ["OAuth 2"]:
        parts.append(_STRICT)
        if path.startswith("/api/"):
            parts.append(_COUNTED)
        if body:
            parts.append(_WITH_A_STRICT_BODY)
        if "multipart/form-data" in body:
            parts.append(_WITH_A_FILE)
        if "security" in operation:
            parts.append(_WITH_CREDENTIALS)
            if not open_to_strangers:
                parts.append({401: [NOT_SIGNED_IN.code]})
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        parts += [codes for name, codes in _WITH_PARAMETER.items() if name in names]
    found: Codes = defaultdict(set)
    for part in parts:
        for status, codes in part.items():
            found[status].update(codes)
    return found


def _named(docstring: str) -> Iterator[tuple[int, str]]:
    """What stands behind "Raises": a category, and its codes. A version that is not the current one has one code."""
    status: int | None = None
    for category, of_fields, code in _WORD.findall(docstring.partition("Raises")[2]):
        if category:
            status = _STATUS_NAMED[category]
            if category == Stale.__name__:
                yield status, "stale-version"
            if category == Invalid.__name__ and of_fields:
                yield from ((status, text) for text in _TEXT)
        elif status is not None:
            yield status, code


def _refusals(rule: Rule) -> Iterator[str]:
    """Why somebody who is signed in may be refused."""
    if rule.anybody:
        return
    for way in rule.ways:
        if isinstance(way, Holding):
            yield NOT_YOURS.code
        if isinstance(way, Owning):
            yield MEMBERS_ONLY.code
        if getattr(way, "in_person", False) or getattr(way, "own_in_person", False):
            yield NOT_IN_PERSON.code
        if isinstance(way, Owning) and way.recently:
            yield SIGN_IN_AGAIN.code
