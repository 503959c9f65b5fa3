"""Every category of error has its exit code, and a sentence."""

import json

import pytest

from domain.errors import (
    CATEGORIES,
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
from entrypoints.cli.errors import EXIT_CODES, ExitCode, tell


def test_the_table_knows_every_category() -> None:
    assert set(EXIT_CODES) == set(CATEGORIES)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("c", "d"), 3),
        (Conflict("c", "d"), 4),
        (Stale("c", "d"), 4),
        (Denied("c", "d"), 5),
        (Unauthenticated("c", "d"), 6),
        (Invalid("c", "d"), 7),
        (Throttled("c", "d", retry_after=1), 8),
        (Unavailable("c", "d"), 9),
        (MoothallError("c", "d"), 1),
        (OSError("d"), 1),
    ],
)
def test_a_category_becomes_its_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(error, as_json=False) == code
    assert capsys.readouterr().err == "error: d\n"


def test_every_problem_has_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = Invalid("bad", "No.", [FieldProblem("/email", "Not an address."), FieldProblem("/username", "Too short.")])
    assert tell(error, as_json=False) is ExitCode.INVALID
    assert capsys.readouterr().err.splitlines() == [
        "error: No.",
        "  /email: Not an address.",
        "  /username: Too short.",
    ]


def test_programs_get_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Invalid.field("bad-email", "/email", "Not an address."), as_json=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err) == {
        "code": "bad-email",
        "detail": "Not an address.",
        "errors": [{"pointer": "/email", "detail": "Not an address."}],
    }


def test_what_nobody_expected_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        tell(ZeroDivisionError(), as_json=False)
