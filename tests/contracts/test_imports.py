"""Imports: what was asked for, how far it is, and what was refused, for as long as the job is there."""

from datetime import timedelta

import pytest

from domain.imports.members_import import Counts, Importer, MembersImport, OnDuplicate, RejectedRow, Source
from domain.jobs.job import Job, Status
from tests.contracts.builders import NOW, SECOND, a_job, a_members_import, a_user, add, add_jobs
from tests.stores import Store

KEYS = [bytes([n]) * 16 for n in range(3)]


async def _stored(store: Store, job: Job, **fields: object) -> MembersImport:
    await add_jobs(store, job)
    found = a_members_import(job, **fields)
    async with store.transactions.begin() as uow:
        await uow.imports.add(found)
    return found


async def test_every_field_comes_back(store: Store) -> None:
    user = a_user()
    await add(store, user)
    found = await _stored(
        store,
        a_job(owner_id=user.id),
        importer=Importer(str(user.id), frozenset({"users:import", "roles:*"}), user.id, user.id),
        source=Source.DJANGO,
        on_duplicate=OnDuplicate.UPDATE,
        dry_run=True,
        invite=True,
        file_digest=bytes(range(32)),
        file_size=5_000_000_000,
        created_at=NOW,
        counts=Counts(1, 2, 3, 4),
    )
    async with store.transactions.begin() as uow:
        assert await uow.imports.get(found.id) == found
        assert await uow.imports.get(user.id) is None


async def test_how_far_it_is_is_seen_with_its_job(store: Store) -> None:
    job = a_job()
    found = await _stored(store, job)
    some = [RejectedRow(2, "email", "No.", "nobody"), RejectedRow(9, "", "Ragged.", '"a\nb",;\u202e')]
    more = [RejectedRow(11, "roles", "No.", "=x")]
    for rejected, counts in ((some, Counts(5, 1, 0, 2)), ([], Counts(1)), (more, Counts(rejected=1))):
        async with store.transactions.begin() as uow:
            found = found.advanced(counts)
            await uow.imports.save(found, rejected)
    view = await store.imports.member_import(found.id)
    assert view is not None
    assert (view.created, view.updated, view.skipped, view.rejected) == (6, 1, 0, 3)
    assert await store.imports.member_import(job.id) == view
    assert (view.status, view.progress.done, view.progress.total) == (Status.QUEUED, 10, 10)
    assert [list(page) for page in [page async for page in store.imports.rejects(found.id)]] == [some, more]
    assert [page async for page in store.imports.rejects(job.id)] == []


async def test_what_a_dry_run_expects_is_its_own(store: Store) -> None:
    one, other = await _stored(store, a_job()), await _stored(store, a_job())
    async with store.transactions.begin() as uow:
        await uow.imports.expect(one.id, KEYS[:2])
        await uow.imports.expect(one.id, KEYS[1:2])
        await uow.imports.expect(one.id, [])
    async with store.transactions.begin() as uow:
        assert await uow.imports.expected(one.id, KEYS) == set(KEYS[:2])
        assert await uow.imports.expected(other.id, KEYS) == set()


async def test_it_is_forgotten_once_the_import_has_succeeded(store: Store) -> None:
    """One that failed may be retried, and goes on."""
    running, failed, over = a_job(due_at=NOW), a_job().failed(NOW, "No."), a_job().succeeded(NOW)
    one, two, other = [await _stored(store, job) for job in (running, failed, over)]
    async with store.transactions.begin() as uow:
        for found in (one, two, other):
            await uow.imports.expect(found.id, KEYS)
        assert await uow.imports.forget_expected(limit=2) == 2
        assert await uow.imports.forget_expected(limit=2) == 1
        assert await uow.imports.forget_expected(limit=2) == 0
        assert await uow.imports.expected(one.id, KEYS) == set(KEYS)
        assert await uow.imports.expected(two.id, KEYS) == set(KEYS)


@pytest.mark.parametrize("how", ["the job is swept", "the account is deleted"])
async def test_it_goes_with_its_job(store: Store, how: str) -> None:
    user = a_user()
    await add(store, user)
    found = await _stored(store, a_job(owner_id=user.id).succeeded(NOW))
    async with store.transactions.begin() as uow:
        await uow.imports.save(found, [RejectedRow(2, "", "No.", "")])
        await uow.imports.expect(found.id, KEYS)
    later = NOW + timedelta(days=1)
    async with store.transactions.begin() as uow:
        if how == "the job is swept":
            await uow.jobs.remove_finished(later, deliveries_before=later, set_aside_before=later, limit=10)
        else:
            await uow.users.remove(user.id)
    assert await store.imports.member_import(found.id) is None
    assert [page async for page in store.imports.rejects(found.id)] == []


async def test_a_file_is_wanted_until_the_import_has_succeeded(store: Store) -> None:
    queued = await _stored(store, a_job())
    failed = await _stored(store, a_job().failed(NOW, "No."))
    succeeded = await _stored(store, a_job().succeeded(NOW + SECOND))
    ids = {found.id for found in (queued, failed, succeeded)} | {a_user().id}
    assert await store.imports.files_wanted(ids) == {queued.id, failed.id}
