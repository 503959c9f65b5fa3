"""What has to be swept now and then, so that nothing expired piles up."""

from dataclasses import dataclass, fields
from typing import ClassVar

from application.access.api_keys import EXPIRED_KEPT_FOR
from application.audit.trail import Trail
from application.idempotency import KEPT_FOR
from application.ports import Clock
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, Rule, require


@dataclass(frozen=True, slots=True)
class Swept:
    sessions: int
    signing_keys: int
    api_keys: int
    kept_answers: int

    @property
    def kinds(self) -> list[str]:
        """What there was of."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def __str__(self) -> str:
        return (
            f"{self.sessions} sessions, {self.signing_keys} signing keys, {self.api_keys} API keys "
            f"and {self.kept_answers} kept answers"
        )


NOTHING = Swept(0, 0, 0, 0)


@dataclass(frozen=True)
class Sweep:
    """Remove sessions, signing keys and kept answers that have run out, and API keys that did so a month ago."""

    rule: ClassVar[Rule] = OPERATOR

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor) -> Swept:
        """How many of each there were."""
        require(actor, self.rule)
        now = self.clock.now()
        async with self.transactions.begin() as uow:
            swept = Swept(
                sessions=await uow.sessions.remove_expired(now),
                signing_keys=await uow.signing_keys.remove_expired(now),
                api_keys=await uow.api_keys.remove_expired(now - EXPIRED_KEPT_FOR),
                kept_answers=await uow.idempotency.remove_before(now - KEPT_FOR),
            )
            if swept != NOTHING:
                await self.trail.record(uow, actor, "housekeeping.swept", fields=swept.kinds)
        return swept
