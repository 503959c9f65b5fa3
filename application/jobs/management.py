"""Jobs and deliveries, for who asked for them and for who sees to it that all is done."""

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from application.audit.trail import Trail
from application.jobs.finishing import FinishedJobs
from application.jobs.ports import JobQueries
from application.jobs.telling import tell_job
from application.jobs.views import Backlog, FailedDelivery, JobFilters, JobView
from application.paging import Page, PageRequest, Sort, read_page
from application.ports import Clock
from application.unit_of_work import Transactions, UnitOfWork
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import OPERATOR, OWNER, OWNER_IN_PERSON, Rule, holder, judge, require
from domain.errors import NotFound
from domain.jobs.job import SET_ASIDE, Job

READ = Permission("jobs:read", "See all jobs, and what became of them.")
MANAGE = Permission("jobs:manage", "Cancel and retry everybody's jobs.")
READ_OUTBOX = Permission("outbox:read", "See what followed from no event, because it was set aside.")
RETRY_OUTBOX = Permission("outbox:retry", "Have what failed tried again, or discard it.")

NEWEST_FIRST = Sort("created_at", descending=True)
FAILED_LAST_FIRST = Sort("failed_at", descending=True)


@dataclass(frozen=True)
class ListJobs:
    """One's own, or with `jobs:read` everybody's (or those of one member); newest first."""

    rule: ClassVar[Rule] = OWNER | holder(READ)

    queries: JobQueries

    async def __call__(
        self, actor: Actor, *, filters: JobFilters = JobFilters(), page: PageRequest = PageRequest()
    ) -> Page[JobView]:
        owner = filters.user_id or actor.user_id
        require(actor, self.rule, owner=owner)
        if judge(actor, holder(READ)) is not None:
            filters = replace(filters, user_id=owner)
        return await read_page(
            page, NEWEST_FIRST, partial(self.queries.jobs, filters), partial(self.queries.count_jobs, filters)
        )


@dataclass(frozen=True)
class ShowJob:
    """One's own, or with `jobs:read` anybody's. Whether another member's job exists is not told."""

    rule: ClassVar[Rule] = OWNER | holder(READ)

    queries: JobQueries

    async def __call__(self, actor: Actor, *, job_id: UUID) -> JobView:
        """Raises NotFound (`job-not-found`)."""
        require(actor, self.rule, owner=actor.user_id)
        found = await self.queries.job(job_id)
        if found is None or judge(actor, self.rule, owner=found.user_id) is not None:
            raise _no_such_job()
        return found


@dataclass(frozen=True)
class CancelJob:
    """One's own, or with `jobs:manage` anybody's. One that waits is cancelled at once, one that runs stops soon."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(MANAGE)

    transactions: Transactions
    trail: Trail
    finished: FinishedJobs
    clock: Clock

    async def __call__(self, actor: Actor, *, job_id: UUID) -> JobView:
        """Raises NotFound (`job-not-found`), Conflict (`job-finished`)."""
        require(actor, self.rule, owner=actor.user_id)
        async with self.transactions.begin() as uow:
            job = _theirs(actor, self.rule, await uow.jobs.get(job_id))
            changed = job.asked_to_stop(self.clock.now())
            if changed != job:
                await uow.jobs.save(changed)
                tell_job(uow, changed)
                await self.trail.record(uow, actor, "job.cancelled", subject=job.owner_id, item=job.id)
                if changed.is_finished:
                    await self.finished.tell(uow, changed, by=actor)
        return JobView.of(changed)


@dataclass(frozen=True)
class RetryJob:
    """One's own, or with `jobs:manage` anybody's, that failed, died or was cancelled."""

    rule: ClassVar[Rule] = OWNER_IN_PERSON | holder(MANAGE)

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor, *, job_id: UUID) -> JobView:
        """Raises NotFound (`job-not-found`), Conflict (`job-not-retryable`, `job-unfinished`)."""
        require(actor, self.rule, owner=actor.user_id)
        async with self.transactions.begin() as uow:
            job = _theirs(actor, self.rule, await uow.jobs.get(job_id))
            queued = job.retried(self.clock.now())
            await uow.jobs.save(queued)
            tell_job(uow, queued)
            await self.trail.record(uow, actor, "job.retried", subject=job.owner_id, item=job.id)
        return JobView.of(queued)


@dataclass(frozen=True)
class ListFailedDeliveries:
    """What was set aside after too many attempts, or because it could never succeed; failed last first."""

    rule: ClassVar[Rule] = holder(READ_OUTBOX)

    queries: JobQueries

    async def __call__(self, actor: Actor, *, page: PageRequest = PageRequest()) -> Page[FailedDelivery]:
        require(actor, self.rule)
        return await read_page(
            page, FAILED_LAST_FIRST, self.queries.failed_deliveries, self.queries.count_failed_deliveries
        )


@dataclass(frozen=True)
class RetryDelivery:
    """Have a delivery that was set aside tried again, from its first attempt."""

    rule: ClassVar[Rule] = holder(RETRY_OUTBOX)

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor, *, delivery_id: UUID) -> None:
        """Raises NotFound (`delivery-not-found`)."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            delivery = await _set_aside(uow, delivery_id)
            await uow.jobs.save(delivery.retried(self.clock.now()))
            await self.trail.record(uow, actor, "delivery.retried", subject=delivery.kind, item=delivery.id)


@dataclass(frozen=True)
class DiscardDelivery:
    """Nothing shall follow any more from what was set aside."""

    rule: ClassVar[Rule] = holder(RETRY_OUTBOX)

    transactions: Transactions
    trail: Trail
    clock: Clock

    async def __call__(self, actor: Actor, *, delivery_id: UUID) -> None:
        """Raises NotFound (`delivery-not-found`)."""
        require(actor, self.rule)
        async with self.transactions.begin() as uow:
            delivery = await _set_aside(uow, delivery_id)
            await uow.jobs.save(delivery.cancelled(self.clock.now()))
            await self.trail.record(uow, actor, "delivery.discarded", subject=delivery.kind, item=delivery.id)


@dataclass(frozen=True)
class ShowBacklog:
    """Whether somebody does the work: what is due and waits."""

    rule: ClassVar[Rule] = OPERATOR

    queries: JobQueries
    clock: Clock

    async def __call__(self, actor: Actor) -> Backlog:
        require(actor, self.rule)
        return await self.queries.backlog(self.clock.now())


async def _set_aside(uow: UnitOfWork, delivery_id: UUID) -> Job:
    """The delivery, locked."""
    delivery = await uow.jobs.get(delivery_id)
    if delivery is None or delivery.emitted is None or delivery.status not in SET_ASIDE:
        raise NotFound("delivery-not-found", "There is no such delivery; it may have been retried, or discarded.")
    return delivery


def _theirs(actor: Actor, rule: Rule, job: Job | None) -> Job:
    """The job, where they may; deliveries are not to be had here."""
    if job is None or job.is_delivery or judge(actor, rule, owner=job.owner_id) is not None:
        raise _no_such_job()
    return job


def _no_such_job() -> NotFound:
    return NotFound("job-not-found", "There is no such job.")
