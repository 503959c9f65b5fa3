"""Every kind of work that is done in the background."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from application.housekeeping import Sweep
from application.jobs.kinds import JobKind, Run
from application.notifications.broadcasting import Broadcasting
from application.notifications.sending import BROADCAST_JOB
from application.reactions import Reactions
from domain.access.actor import PROCESS

SWEEP_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class BackgroundWork:
    reactions: Reactions
    sweep: Sweep
    broadcasting: Broadcasting

    def kinds(self) -> Iterator[JobKind]:
        yield from self.reactions.kinds()
        yield JobKind("sweep", self._sweep, every=SWEEP_EVERY)
        yield JobKind(BROADCAST_JOB, self._broadcast)

    async def _broadcast(self, run: Run) -> None:
        await self.broadcasting.work(run)

    async def _sweep(self, run: Run) -> dict[str, int]:
        """What was swept, by its kind. To sweep twice does no harm."""
        return asdict(await self.sweep(PROCESS))
