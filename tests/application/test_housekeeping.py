"""What has run out is swept, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from adapters.memory import MemoryDatabase, MemoryTransactions
from adapters.system import Uuid7Ids
from application import housekeeping
from application.audit.trail import Trail
from application.housekeeping import (
    DELIVERIES_KEPT_FOR,
    JOBS_KEPT_FOR,
    NOTHING,
    NOTIFICATIONS_KEPT_FOR,
    READ_NOTIFICATIONS_KEPT_FOR,
    WEBHOOK_DELIVERIES_KEPT_FOR,
    Sweep,
    Swept,
)
from domain.access.actor import operator
from domain.idempotency import KeptAnswer
from domain.identity.one_time_token import Purpose
from domain.jobs.job import Job
from domain.live.ticket import Ticket
from domain.notifications.notification import Broadcast
from tests.clock import OwnClock
from tests.contracts.builders import (
    SIGNATURE,
    a_job,
    a_key,
    a_members_import,
    a_notification,
    a_session,
    a_token,
    a_user,
    a_webhook_delivery,
    an_api_key,
    an_event,
)


async def test_only_what_has_run_out_is_swept() -> None:
    clock = OwnClock()
    transactions = MemoryTransactions(MemoryDatabase())
    user, jobs = a_user(), list[Job]()
    async with transactions.begin() as uow:
        await uow.users.add(user)
        endless = a_session(user, expires_at=clock.now() + timedelta(days=30))
        await uow.sessions.add(endless)
        for hours in (1, 3):
            await uow.sessions.add(a_session(user, expires_at=clock.now() + timedelta(hours=hours)))
            await uow.signing_keys.add(a_key(f"k{hours}").retired(clock.now(), timedelta(hours=hours)))
            a_month_ago = clock.now() - timedelta(days=30)
            await uow.api_keys.add(an_api_key(user, expires_at=a_month_ago + timedelta(hours=hours)))
            yesterday = clock.now() - timedelta(days=1)
            answer = KeptAnswer("caller", f"key {hours}", bytes(32), b"", yesterday + timedelta(hours=hours))
            await uow.idempotency.keep(answer, instead_of_before=yesterday)
            token = a_token(user, Purpose.VERIFY_EMAIL if hours == 1 else Purpose.INVITATION)
            await uow.one_time_tokens.put(replace(token, expires_at=clock.now() + timedelta(hours=hours)))
            week_ago = clock.now() - JOBS_KEPT_FOR + timedelta(hours=hours)
            await uow.jobs.add(a_job().succeeded(week_ago))
            day_ago = clock.now() - DELIVERIES_KEPT_FOR + timedelta(hours=hours)
            event = replace(an_event(), at=day_ago)
            year_ago = clock.now() - NOTIFICATIONS_KEPT_FOR + timedelta(hours=hours)
            read_long_ago = clock.now() - READ_NOTIFICATIONS_KEPT_FOR + timedelta(hours=hours)
            await uow.notifications.add(a_notification(user, created_at=year_ago))
            await uow.notifications.add(a_notification(user, created_at=read_long_ago, read_at=read_long_ago))
            ticket = Ticket(
                digest=bytes([hours]),
                user_id=user.id,
                session_id=endless.id,
                expires_at=clock.now() + timedelta(hours=hours),
            )
            await uow.live_tickets.add(ticket)
            await uow.live_tickets.add(replace(ticket, digest=bytes([10 + hours]), stream_at=clock.now()))
            await uow.broadcasts.add(Broadcast(id=uuid4(), title="News", body="For all", created_at=year_ago))
            await uow.events.add(event)
            month_ago = clock.now() - WEBHOOK_DELIVERIES_KEPT_FOR + timedelta(hours=hours)
            await uow.webhook_deliveries.add([a_webhook_delivery(uuid4()).given_up(month_ago, "No.")])
            await uow.jobs.add(a_job(emitted=event).succeeded(day_ago))
            running = a_job(due_at=clock.now())
            await uow.jobs.add(running)
            under_way = a_members_import(running, dry_run=True)
            await uow.imports.add(under_way)
            await uow.imports.expect(under_way.id, [bytes(16)])
            jobs.append(running)
    sweep = Sweep(transactions, Trail(clock, Uuid7Ids(), SIGNATURE), clock)
    assert await sweep(operator("test")) == NOTHING
    for _ in range(2):
        clock.advance(hours=2)
        async with transactions.begin() as uow:
            await uow.jobs.save(jobs.pop().succeeded(clock.now()))
        assert await sweep(operator("test")) == Swept(
            sessions=1,
            signing_keys=1,
            api_keys=1,
            kept_answers=1,
            one_time_tokens=1,
            jobs=2,
            events=1,
            notifications=2,
            broadcasts=1,
            live_tickets=1,
            webhook_deliveries=1,
            import_expectations=1,
        )


async def test_many_are_swept_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "AT_ONCE", 2)
    clock = OwnClock()
    database = MemoryDatabase()
    transactions = MemoryTransactions(database)
    async with transactions.begin() as uow:
        for _ in range(5):
            await uow.jobs.add(a_job().succeeded(clock.now() - JOBS_KEPT_FOR))
    swept = await Sweep(transactions, Trail(clock, Uuid7Ids(), SIGNATURE), clock)(operator("test"))
    assert swept.jobs == 5
    assert len(database.audit_entries) == 3
