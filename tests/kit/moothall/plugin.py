"""Fixtures for pytest, which finds them by itself where Moothall is installed."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from entrypoints.testing.clock import TestersClock
    from moothall.service import Mailbox, Moothall


@pytest.fixture
def moothall_settings() -> dict[str, Any]:
    """Settings of the service under test: override this fixture to have others, `{"password_min_length": 16}` say."""
    return {}


@pytest.fixture(scope="session")
def _moothall_thread() -> Iterator[None]:
    """One for all tests: else each would start its own."""
    from moothall.service import PORTALS

    with PORTALS:
        yield


@pytest.fixture
def moothall(_moothall_thread: None, moothall_settings: dict[str, Any]) -> "Iterator[Moothall]":
    """A new and empty service in this process: `moothall.client`, `moothall.async_client`, `moothall.application`."""
    from moothall.service import open_moothall

    with open_moothall(**moothall_settings) as service:
        yield service


@pytest.fixture
def mail(moothall: "Moothall") -> "Mailbox":
    """What it mailed: `mail.last(to="ada@example.com").links`."""
    return moothall.mail


@pytest.fixture
def clock(moothall: "Moothall") -> "TestersClock":
    """Its clock: `clock.advance(900)`, `clock.freeze()`."""
    return moothall.clock


@pytest.fixture
def drain(moothall: "Moothall") -> Callable[[], int]:
    """Do all that is due: mails, webhooks, jobs. In an asyncio test: `await asyncio.to_thread(drain)`."""
    return moothall.drain


@pytest.fixture
def token_for(moothall: "Moothall") -> "Callable[..., str]":
    """An access token for a member, who need not sign in: `token_for("ada@example.com")`."""
    return moothall.token_for
