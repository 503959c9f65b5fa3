"""How much is sent at once, so that one slow receiver holds up nobody else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.ports import Clock
from application.webhooks.ports import Chance
from domain.webhooks.delivery import Answer, asked_wait
from domain.webhooks.webhook import MOST_WEBHOOKS, Webhook

MOST_AT_ONCE = 12
"""Of what a worker does at once (20): the rest is left for mails and everything else."""
KEPT_FREE = 4
"""Places that are for webhooks with nothing under way: else a few that are slow would take all."""
MOST_FOR_ONE = 4
COME_AGAIN = timedelta(seconds=1)
"""After which somebody for whom there is no room comes again, at the earliest."""
LONGEST_TURN = timedelta(minutes=5)
"""After which at the latest, however many wait."""
USUAL_TIME = timedelta(milliseconds=100)
"""That a receiver takes to answer, as long as nobody knows."""
SHORTEST_TIME = timedelta(milliseconds=40)
"""That one message takes here, however quick the receiver is."""
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
"""In which a receiver that fails is left alone; twice as long each time. It may ask for more."""


@dataclass(slots=True)
class _Line:
    """What is known of one webhook. `takes` is what its latest messages took, `next_turn` when the next one comes that
    is turned away; `failures` are those in a row, `rests` how often it was left alone."""

    version: int
    next_turn: datetime
    rest_until: datetime
    under_way: int = 0
    takes: timedelta = USUAL_TIME
    failures: int = 0
    rests: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """For `leave`. `rests`: a failure of which others told meanwhile tells nothing new."""

    webhook_id: UUID
    rests: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """`is_away`: the receiver has failed for so long that it is no blip."""

    until: datetime
    is_away: bool


class Gate:
    """Of this process. Whoever is turned away is told when to come again, each a little later than the one before, and
    waits in nobody's hand."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._lines: dict[UUID, _Line] = {}

    def enter(self, webhook: Webhook) -> Entry | TurnedAway:
        """To one that fails, one at a time goes. Who changes the webhook has it tried at once."""
        now = self._clock.now()
        line = self._line(webhook, now)
        room = MOST_FOR_ONE if line.failures == 0 else 1
        if now < line.rest_until:
            return self._turned_away(line, now, line.rest_until, room)
        most = MOST_AT_ONCE - KEPT_FREE if line.under_way else MOST_AT_ONCE
        if line.under_way >= room or sum(each.under_way for each in self._lines.values()) >= most:
            return self._turned_away(line, now, now + COME_AGAIN, room)
        line.under_way += 1
        return Entry(webhook.id, line.rests)

    def leave(self, entry: Entry, answer: Answer | None) -> None:
        """`answer` None: nothing was sent."""
        line = self._lines[entry.webhook_id]
        line.under_way -= 1
        if answer is None:
            return
        line.takes += (max(answer.took, SHORTEST_TIME) - line.takes) / MOST_FOR_ONE
        now = self._clock.now()
        if not answer.is_receivers_trouble:
            line.failures, line.rest_until = 0, now
        elif entry.rests == line.rests:
            line.failures += 1
            line.rests += 1
            line.rest_until = now + max(_rest(line.failures), asked_wait(answer.retry_after, now))

    def _line(self, webhook: Webhook, now: datetime) -> _Line:
        line = self._lines.get(webhook.id)
        if line is None:
            if len(self._lines) >= 2 * MOST_WEBHOOKS:  # most of them were deleted
                self._lines = {known: each for known, each in self._lines.items() if each.under_way}
            line = self._lines[webhook.id] = _Line(webhook.version, now, now)
        elif line.version < webhook.version:
            line.version, line.next_turn, line.rest_until = webhook.version, now, now
            line.failures, line.rests = 0, line.rests + 1
        return line

    def _turned_away(self, line: _Line, now: datetime, earliest: datetime, room: int) -> TurnedAway:
        turn, latest = max(earliest, line.next_turn), now + LONGEST_TURN
        line.next_turn = min(turn + line.takes / room, latest)
        if turn >= latest:
            turn = now + LONGEST_TURN * (1 + self._chance()) / 2
        return TurnedAway(turn, _rest(line.failures) >= LONGEST_REST)


def _rest(failures: int) -> timedelta:
    return min(FIRST_REST * 2.0 ** min(failures - 1, 20), LONGEST_REST)
