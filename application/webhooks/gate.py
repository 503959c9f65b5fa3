"""How much is sent at once, so that one slow receiver holds up nobody else."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.ports import Clock
from application.webhooks.ports import Chance
from domain.webhooks.delivery import Answer, asked_wait

MOST_AT_ONCE = 12
"""Of what a worker does at once (20): the rest is left for mails and everything else."""
MOST_FOR_ONE = 4
COME_AGAIN = timedelta(seconds=1)
"""After which somebody for whom there is no room comes again."""
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
"""In which a receiver that fails is left alone; twice as long each time."""


@dataclass(frozen=True, slots=True)
class _Rest:
    until: datetime
    failures: int


class Gate:
    """Of this process. Whoever is turned away is told when to come again, and waits in nobody's hand."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._under_way = Counter[UUID]()
        self._rests: dict[UUID, _Rest] = {}

    def enter(self, webhook_id: UUID) -> datetime | None:
        """None where there is room, until `leave`; else when to come again. To one that fails, one at a time goes."""
        now = self._clock.now()
        rest = self._rests.get(webhook_id)
        if rest is not None and now < rest.until:
            return rest.until + self._chance() * COME_AGAIN
        room = 1 if rest is not None else MOST_FOR_ONE
        if self._under_way[webhook_id] >= room or self._under_way.total() >= MOST_AT_ONCE:
            return now + COME_AGAIN * (1 + self._chance())
        self._under_way[webhook_id] += 1
        return None

    def leave(self, webhook_id: UUID, answer: Answer | None) -> None:
        """`answer` None: nothing was sent."""
        self._under_way[webhook_id] -= 1
        if not self._under_way[webhook_id]:
            del self._under_way[webhook_id]
        if answer is None:
            return
        if not answer.is_receivers_trouble:
            self._rests.pop(webhook_id, None)
            return
        before = self._rests.get(webhook_id)
        failures = 1 if before is None else before.failures + 1
        now = self._clock.now()
        wait = max(FIRST_REST * 2.0 ** min(failures - 1, 20), asked_wait(answer.retry_after, now))
        self._rests[webhook_id] = _Rest(now + min(wait, LONGEST_REST), failures)
