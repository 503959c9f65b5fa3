"""The ways in which a request can fail, in the product's own words.

An error says what happened (`code`, stable, for programs; `detail`, for people). What a category becomes at an edge
(an HTTP status, an exit code) is decided there, in one table each.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one input: `pointer` is an RFC 6901 JSON pointer into it, such as `/email`."""

    pointer: str
    detail: str


class MoothallError(Exception):
    """The root of every error that a caller is told about."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class Invalid(MoothallError):
    """The input breaks a rule; `problems` says which part and why."""

    def __init__(self, code: str, detail: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(code, detail)
        self.problems = tuple(problems)

    @classmethod
    def field(cls, code: str, pointer: str, detail: str) -> "Invalid":
        """One field is wrong, and the same sentence says so for the whole."""
        return cls(code, detail, (FieldProblem(pointer, detail),))


class NotFound(MoothallError):
    """There is no such thing, or the caller may not know of it."""


class Conflict(MoothallError):
    """It is there already, or not in a state that allows this."""


class Stale(MoothallError):
    """The caller asked for a change to a version that is no longer the current one."""


class Unauthenticated(MoothallError):
    """Who is calling is not known; `presented` tells whether a credential came that is not (or no longer) good."""

    def __init__(self, code: str, detail: str, *, presented: bool = False) -> None:
        super().__init__(code, detail)
        self.presented = presented


class Denied(MoothallError):
    """Who is calling is known, and may not do this."""


class Throttled(MoothallError):
    """Too many attempts; `retry_after` is in seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: float) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Unavailable(MoothallError):
    """A part we depend on is away or overloaded; the same request may succeed in `retry_after` seconds."""

    def __init__(self, code: str, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


CATEGORIES: tuple[type[MoothallError], ...] = (
    Invalid,
    NotFound,
    Conflict,
    Stale,
    Unauthenticated,
    Denied,
    Throttled,
    Unavailable,
)
