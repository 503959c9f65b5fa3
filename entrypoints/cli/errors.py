"""How commands fail: one exit code for each category of error, and a sentence on standard error."""

import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum

import typer

from domain.errors import (
    Conflict,
    Denied,
    FieldProblem,
    Invalid,
    MoothallError,
    NotFound,
    Stale,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from entrypoints.wrong_settings import SettingsError


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    DENIED = 5
    UNAUTHENTICATED = 6
    INVALID = 7
    THROTTLED = 8
    UNAVAILABLE = 9


EXIT_CODES: Mapping[type[MoothallError], ExitCode] = {
    NotFound: ExitCode.NOT_FOUND,
    Conflict: ExitCode.CONFLICT,
    Stale: ExitCode.CONFLICT,
    Denied: ExitCode.DENIED,
    Unauthenticated: ExitCode.UNAUTHENTICATED,
    Invalid: ExitCode.INVALID,
    Throttled: ExitCode.THROTTLED,
    Unavailable: ExitCode.UNAVAILABLE,
}

EXPLAINED = "\b\nExit codes:\n" + "\n".join(f"  {code}  {code.name.lower().replace('_', ' ')}" for code in ExitCode)
"""For the help, where the first line keeps the lines apart."""


class CommandError(Exception):
    """What the command line itself refuses, before any use case is asked."""

    def __init__(self, code: str, detail: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.problems = tuple(problems)


def wrong_usage(detail: str) -> CommandError:
    return CommandError("usage", detail)


def tell(error: Exception, *, as_json: bool) -> ExitCode:
    """Say on standard error what went wrong; the exit code that means it. What nobody expected is raised again."""
    match error:
        case MoothallError():
            problems = error.problems if isinstance(error, Invalid) else ()
            _print(error.code, f"{error.detail}{_why(error)}", problems, as_json=as_json)
            return next((code for category, code in EXIT_CODES.items() if isinstance(error, category)), ExitCode.FAILED)
        case CommandError():
            _print(error.code, str(error), error.problems, as_json=as_json)
            return ExitCode.USAGE
        case SettingsError():
            parts = [problem.partition(": ") for problem in error.problems]
            named = [FieldProblem(name, problem) for name, _, problem in parts]
            _print("settings", "The settings are not good.", named, as_json=as_json)
            return ExitCode.USAGE
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            hint = f" See: {context.command_path} --help" if context is not None else ""
            _print("usage", error.format_message() + hint, (), as_json=as_json)
            return ExitCode.USAGE
        case typer.Abort():
            _print("aborted", "There was no answer.", (), as_json=as_json)
            return ExitCode.FAILED
        case OSError():
            _print("system", _of_the_system(error), (), as_json=as_json)
            return ExitCode.FAILED
        case _:
            raise error


def _why(error: MoothallError) -> str:
    """What the other part itself said, where one is away: whoever runs commands can do something about it."""
    cause = error.__cause__ if isinstance(error, Unavailable) else None
    if cause is None:
        return ""
    said = str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]
    return f" ({said or type(cause).__name__})"


def _of_the_system(error: OSError) -> str:
    if error.strerror is None or error.filename is None:
        return str(error)
    return f"{error.filename}: {error.strerror}"


def _print(code: str, detail: str, problems: Sequence[FieldProblem], *, as_json: bool) -> None:
    if as_json:
        import json

        errors = [{"pointer": problem.pointer, "detail": problem.detail} for problem in problems]
        lines = [json.dumps({"code": code, "detail": detail, "errors": errors})]
    else:
        lines = [f"error: {detail}", *(f"  {problem.pointer}: {problem.detail}" for problem in problems)]
    print(*lines, sep="\n", file=sys.stderr)
