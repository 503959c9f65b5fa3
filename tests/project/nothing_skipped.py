"""A pytest plugin, `-p tests.project.nothing_skipped`: a test that was skipped, or expected to fail, has failed.

`make test` loads it, so that a database that could not be started is never taken for one that passed. It works where
the tests run, in pytest-xdist's workers as well.
"""

from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _failed_if_skipped((yield))


def _failed_if_skipped(report: Report) -> Report:
    if not report.skipped:
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", "")
    report.outcome = "failed"
    report.longrepr = (
        f"Nothing may be skipped or expected to fail here, and {report.nodeid} was: {reason}\n"
        "The mend: provide what it needs, mend what it shows, or remove it."
    )
    vars(report).pop("wasxfail", None)
    return report
