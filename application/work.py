"""Every kind of work that is done in the background."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from application.housekeeping import Sweep
from application.imports.files import ImportFileSweep
from application.imports.importing import Importing
from application.imports.starting import IMPORT_JOB
from application.jobs.kinds import JobKind, Run
from application.notifications.broadcasting import Broadcasting
from application.notifications.sending import BROADCAST_JOB
from application.profiles.avatar_files import AvatarSweep
from application.reactions import Reactions
from application.webhooks.deliveries import REPLAY_JOB, Replaying
from application.webhooks.sending import WebhookSending
from domain.access.actor import PROCESS
from domain.jobs.job import SEND_WEBHOOK

SWEEP_EVERY = timedelta(minutes=5)
SWEEP_FILES_EVERY = timedelta(days=1)
WAKE_WEBHOOKS_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class BackgroundWork:
    reactions: Reactions
    sweep: Sweep
    avatar_sweep: AvatarSweep
    import_file_sweep: ImportFileSweep
    broadcasting: Broadcasting
    importing: Importing
    webhook_sending: WebhookSending
    webhook_replaying: Replaying

    def kinds(self) -> Iterator[JobKind]:
        yield from self.reactions.kinds()
        yield JobKind("sweep", self._sweep, every=SWEEP_EVERY)
        yield JobKind("sweep-avatars", self._sweep_avatars, every=SWEEP_FILES_EVERY)
        yield JobKind("sweep-import-files", self._sweep_import_files, every=SWEEP_FILES_EVERY)
        yield JobKind(BROADCAST_JOB, self._broadcast)
        yield JobKind(IMPORT_JOB, self._import)
        yield JobKind(SEND_WEBHOOK, self._send_webhook)
        yield JobKind(REPLAY_JOB, self._replay_webhook)
        yield JobKind("wake-webhooks", self._wake_webhooks, every=WAKE_WEBHOOKS_EVERY)

    async def _broadcast(self, run: Run) -> None:
        await self.broadcasting.work(run)

    async def _import(self, run: Run) -> None:
        await self.importing.work(run)

    async def _send_webhook(self, run: Run) -> None:
        await self.webhook_sending.work(run)

    async def _replay_webhook(self, run: Run) -> None:
        await self.webhook_replaying.work(run)

    async def _wake_webhooks(self, _: Run) -> dict[str, int]:
        """How many deliveries nobody would have sent."""
        return {"deliveries": await self.webhook_sending.wake_overdue()}

    async def _sweep(self, run: Run) -> dict[str, int]:
        """What was swept, by its kind. To sweep twice does no harm."""
        return asdict(await self.sweep(PROCESS))

    async def _sweep_avatars(self, _: Run) -> dict[str, int]:
        """How many files nobody showed any more."""
        return {"files": await self.avatar_sweep.run()}

    async def _sweep_import_files(self, _: Run) -> dict[str, int]:
        """How many files nobody will read any more."""
        return {"files": await self.import_file_sweep.run()}
