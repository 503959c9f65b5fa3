"""What is done beside answering survives what nobody foresaw."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.mail import MemoryMailer
from application.jobs.runner import Runner
from domain.access.actor import ANONYMOUS
from entrypoints import background
from entrypoints.background import working
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from tests.entrypoints.http.client import PASSWORD
from tests.limits import UNLIMITED

SOON = 10.0


class FailsAtFirst:
    """A runner with a bug."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.failed = False

    async def run(self, stop: asyncio.Event) -> None:
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError
        await self._runner.run(stop)


async def test_a_worker_that_fails_begins_anew_and_the_server_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "BEGIN_ANEW_AFTER", 0.05)
    mailer = MemoryMailer()
    async with open_application(
        Settings(data_dir=tmp_path, bcrypt_cost=4, **UNLIMITED), in_memory=True, mailer=mailer
    ) as opened:
        runner: Any = FailsAtFirst(opened.runner)
        async with working(replace(opened, runner=runner)):
            await asyncio.sleep(0.1)
            assert runner.failed
            await opened.identity.register(ANONYMOUS, email="ada@example.com", password=PASSWORD)
            async with asyncio.timeout(SOON):
                while not mailer.sent:  # noqa: ASYNC110 - a mailbox does not tell
                    await asyncio.sleep(0.01)
