"""kill -9 around sending mails: none is lost, and one that comes twice can be told by its Message-ID (S30)."""

import asyncio
import random
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.access.actor import ANONYMOUS
from entrypoints.bootstrap import open_application
from entrypoints.settings import Settings
from entrypoints.worker import run_worker
from tests.drills.life import FIRST_PASSWORD
from tests.drills.processes import Outcome, kill, started
from tests.limits import UNLIMITED
from tests.smtp_server import RunningServer, smtp_server
from tests.stores import database_url

LEASE = timedelta(seconds=1)
MAILS_A_KILL = 8
WITHIN = 120.0


def drill(store: str, kills: int, seed: int) -> Outcome:
    """So many workers are killed at most, one after the other, while they send; the last one does what is left."""
    chance = random.Random(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        url = database_url(store, folder)
        assert url is not None
        received = folder / "received"
        received.mkdir()
        with smtp_server(received) as server:
            names = [f"member{n}@example.com" for n in range(kills * MAILS_A_KILL)]
            asyncio.run(_register(_settings(url, folder, server.url), names))
            for _ in range(kills):
                if _everybody_has_mail(server, names):
                    break
                worker = started(work, url, folder, server.url)
                _wait(server, len(server.raw()) + 1)
                time.sleep(chance.uniform(0, 0.05))
                kill(worker)
            worker = started(work, url, folder, server.url)
            limit = time.monotonic() + WITHIN
            while not _everybody_has_mail(server, names) and time.monotonic() < limit:
                time.sleep(0.1)
            kill(worker)
            keys = defaultdict(list)
            for message in server.messages():
                keys[str(message["To"])].append(str(message["Message-ID"]))
    broken = [f"{to} got {len(keys[to])} mails: {set(keys[to])}" for to in names if len(set(keys[to])) != 1]
    doubled = sum(len(found) - 1 for found in keys.values())
    return Outcome(
        f"mails while {kills} workers are killed ({store})", len(names), broken, f"mails, {doubled} came twice"
    )


def work(url: str, folder: Path, smtp_url: str) -> None:
    """The body of a worker's process."""
    asyncio.run(run_worker(_settings(url, folder, smtp_url), lease=LEASE))


def _settings(url: str, folder: Path, smtp_url: str) -> Settings:
    return Settings(
        bcrypt_cost=4,
        data_dir=folder,
        database_url=url,
        secret_key="drill" * 10,
        smtp_url=smtp_url,
        log_level="error",
        **UNLIMITED,
    )


async def _register(settings: Settings, names: list[str]) -> None:
    async with open_application(settings) as application:
        for name in names:
            await application.identity.register(ANONYMOUS, email=name, password=FIRST_PASSWORD)


def _everybody_has_mail(server: RunningServer, names: list[str]) -> bool:
    return {str(mail["To"]) for mail in server.messages()} >= set(names)


def _wait(server: RunningServer, mails: int) -> None:
    limit = time.monotonic() + WITHIN
    while len(server.raw()) < mails and time.monotonic() < limit:
        time.sleep(0.01)
