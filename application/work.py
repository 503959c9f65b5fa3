"""Every kind of work that is done in the background."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from application.housekeeping import Sweep
from application.jobs.kinds import JobKind, Run
from application.notifications.broadcasting import Broadcasting
from application.notifications.sending import BROADCAST_JOB
from application.profiles.avatar_files import AvatarSweep
from application.reactions import Reactions
from domain.access.actor import PROCESS

SWEEP_EVERY = timedelta(minutes=5)
SWEEP_AVATARS_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class BackgroundWork:
    reactions: Reactions
    sweep: Sweep
    avatar_sweep: AvatarSweep
    broadcasting: Broadcasting

    def kinds(self) -> Iterator[JobKind]:
        yield from self.reactions.kinds()
        yield JobKind("sweep", self._sweep, every=SWEEP_EVERY)
        yield JobKind("sweep-avatars", self._sweep_avatars, every=SWEEP_AVATARS_EVERY)
        yield JobKind(BROADCAST_JOB, self._broadcast)

    async def _broadcast(self, run: Run) -> None:
        await self.broadcasting.work(run)

    async def _sweep(self, run: Run) -> dict[str, int]:
        """What was swept, by its kind. To sweep twice does no harm."""
        return asdict(await self.sweep(PROCESS))

    async def _sweep_avatars(self, _: Run) -> dict[str, int]:
        """How many files nobody showed any more."""
        return {"files": await self.avatar_sweep.run()}
