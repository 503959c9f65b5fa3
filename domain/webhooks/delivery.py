"""Deliveries: one event on its way to one webhook, tried for days, and kept afterwards to be looked up or repeated."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.errors import Conflict
from domain.events import Emitted
from domain.jobs.job import LONGEST_ERROR, SEND_WEBHOOK, Job
from domain.webhooks.catalogue import message

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
"""Since it was made, or repeated by hand: the first attempt after that which fails is the last one."""
LEAST_ATTEMPTS = 8
"""Before it is given up: it may have waited for most of its time behind an earlier one."""
LONGEST_ASKED = timedelta(days=1)
"""That a receiver may ask for with `Retry-After`."""
_SECONDS = re.compile(r"[0-9]{1,10}")
_GONE = 410


class DeliveryStatus(Enum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a `status`, or the `error` that stood in the way. `retry_after` is that header's value,
    `took` how long it was until then."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    took: timedelta = timedelta()

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == _GONE

    @property
    def is_receivers_trouble(self) -> bool:
        """Whether other messages would have fared no better."""
        return self.status is None or self.status == 429 or self.status >= 500


def asked_wait(text: str | None, now: datetime) -> timedelta:
    """What a `Retry-After` asks for (RFC 9110, section 10.2.3): seconds or a date; nothing where it is neither."""
    if text is None:
        return timedelta()
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST_ASKED)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta()
    date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return max(timedelta(), min(date - now, LONGEST_ASKED))


def wait_after(attempts: int, chance: float) -> timedelta:
    """How long to wait after so many failures in a row: 5 s, 10 s, 20 s …, an hour at most, of which `chance` (0 to 1)
    takes away up to a half."""
    longest = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT)
    return longest * (1 - chance / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`message_id` and `body` are the same at each attempt. `number` is given by the store: of one `subject`, later
    events have higher ones, and a webhook gets them in that order.

    `next_attempt_at` is when a pending one may be tried; None for one that is over. `pending_since` is when it was
    made, or last repeated by hand; `attempts` are counted from then on. `last_status`, `error` and `took_ms` are of the
    last attempt.
    """

    id: UUID
    webhook_id: UUID
    message_id: UUID
    event: str
    subject: UUID
    body: str
    created_at: datetime
    pending_since: datetime
    next_attempt_at: datetime | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    last_status: int | None = None
    error: str | None = None
    took_ms: int | None = None
    settled_at: datetime | None = None
    number: int = 0

    @classmethod
    def of(cls, emitted: Emitted, subject: UUID, *, id: UUID, webhook_id: UUID) -> "Delivery":
        return cls(
            id=id,
            webhook_id=webhook_id,
            message_id=emitted.id,
            event=emitted.name,
            subject=subject,
            body=message(emitted),
            created_at=emitted.at,
            pending_since=emitted.at,
            next_attempt_at=emitted.at,
        )

    @property
    def is_pending(self) -> bool:
        return self.status is DeliveryStatus.PENDING

    @property
    def job_key(self) -> str:
        """By which there is one unfinished job for it."""
        return f"{SEND_WEBHOOK}/{self.id.hex}"

    def is_old(self, now: datetime) -> bool:
        """Whether it has been pending for as long as it may be."""
        return now - self.pending_since >= GIVE_UP_AFTER

    def job(self, job_id: UUID, now: datetime) -> Job:
        """Sends it. There is one at a time."""
        args = {"webhook_id": str(self.webhook_id), "delivery_id": str(self.id)}
        return Job(id=job_id, kind=SEND_WEBHOOK, args=args, created_at=now, due_at=now, unique_key=self.job_key)

    def attempted(self, answer: Answer, now: datetime, chance: float) -> "Delivery":
        """After one more attempt: delivered, pending until the next one, or given up."""
        tried = replace(
            self,
            attempts=self.attempts + 1,
            last_status=answer.status,
            error=None if answer.is_success else _told(answer),
            took_ms=round(answer.took.total_seconds() * 1000),
        )
        if answer.is_success:
            return tried._over(DeliveryStatus.DELIVERED, now)
        if tried.is_old(now) and tried.attempts >= LEAST_ATTEMPTS:
            return tried._over(DeliveryStatus.FAILED, now)
        wait = max(wait_after(tried.attempts, chance), asked_wait(answer.retry_after, now))
        return replace(tried, next_attempt_at=now + wait)

    def given_up(self, now: datetime, error: str) -> "Delivery":
        return replace(self._over(DeliveryStatus.FAILED, now), error=error)

    def repeated(self, now: datetime) -> "Delivery":
        """Pending once more, from the first attempt, with the id that it had.

        Raises:
            Conflict: `delivery-pending`.
        """
        if self.is_pending:
            raise Conflict("delivery-pending", "This delivery is not over yet: it is tried again by itself.")
        return replace(
            self, status=DeliveryStatus.PENDING, attempts=0, pending_since=now, next_attempt_at=now, settled_at=None
        )

    def _over(self, status: DeliveryStatus, now: datetime) -> "Delivery":
        return replace(self, status=status, next_attempt_at=None, settled_at=now)


def _told(answer: Answer) -> str:
    """So much of it as is kept."""
    said = answer.error or f"The receiver answered {answer.status}."
    return said[:LONGEST_ERROR].replace("\0", " ").encode("utf-8", "replace").decode()


class DeliveryRepository(Protocol):
    """Deliveries within a unit of work.

    What is promised to receivers rests on this: each pending delivery has an unfinished job, or an earlier one of the
    same webhook and subject is pending. Who finds an earlier one pending locks it before giving up its own job; who
    settles one locks it first, and leaves a job for the next one. So one of the two always sees what the other did.
    """

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """They get their numbers, in this order."""
        ...

    async def get(self, delivery_id: UUID) -> Delivery | None:
        """Locked to the end of the unit of work."""
        ...

    async def save(self, delivery: Delivery) -> None: ...

    async def lock_earlier(self, delivery: Delivery) -> bool:
        """Whether an earlier one of the same webhook and subject is pending, and stays so to the end of the unit of
        work. False may also mean that it was settled just now, and that there is another one."""
        ...

    async def next_pending(self, delivery: Delivery) -> Delivery | None:
        """The next one of the same webhook and subject that is pending."""
        ...

    async def give_up_all(self, webhook_id: UUID, now: datetime, error: str) -> None:
        """All that are pending, those too that are committed while others are waited for."""
        ...

    async def make_due(self, webhook_id: UUID, now: datetime) -> None:
        """All that are pending, with their jobs: nothing is waited for any more."""
        ...

    async def settled_within(
        self,
        webhook_id: UUID,
        *,
        since: datetime,
        until: datetime,
        statuses: Collection[DeliveryStatus],
        asked_at: datetime,
        behind: int,
        limit: int,
    ) -> Sequence[Delivery]:
        """Those of events from `since` on and before `until`, which were not repeated after `asked_at`, with
        numbers higher than `behind`; the lowest first, locked."""
        ...

    async def overdue(self, before: datetime, *, limit: int) -> Sequence[Delivery]:
        """Pending ones that should have been tried before, with no earlier one in their way, and no unfinished job."""
        ...

    async def remove_settled(self, before: datetime, *, limit: int) -> int:
        """Some of those that were settled before; how many they were."""
        ...
