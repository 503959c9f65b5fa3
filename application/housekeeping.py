"""What has to be swept now and then, so that nothing expired piles up."""

from dataclasses import dataclass

from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import require

SWEEP = "housekeeping:sweep"


@dataclass(frozen=True, slots=True)
class Swept:
    sessions: int
    signing_keys: int


@dataclass(frozen=True)
class Sweep:
    """Remove sessions and signing keys that have run out."""

    transactions: Transactions
    clock: Clock

    async def __call__(self, actor: Actor) -> Swept:
        """How many of each there were."""
        require(actor, SWEEP)
        now = self.clock.now()
        async with self.transactions.begin() as uow:
            return Swept(await uow.sessions.remove_expired(now), await uow.signing_keys.remove_expired(now))
