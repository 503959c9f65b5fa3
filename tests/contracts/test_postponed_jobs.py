"""Jobs that are put off on each store: as if they had not been begun, with or without an effect."""

from datetime import timedelta
from uuid import uuid4

import pytest

from application.jobs.kinds import Postponed, Run
from domain.jobs.job import MOST_STRIKES, Status
from tests.contracts.builders import a_user, stored
from tests.contracts.test_running_jobs import Workplace
from tests.stores import Store


@pytest.fixture
def place(store: Store) -> Workplace:
    return Workplace(store)


async def test_what_is_postponed_comes_again_and_counts_as_no_attempt(place: Workplace) -> None:
    begun = 0

    async def work(run: Run) -> None:
        nonlocal begun
        begun += 1
        raise Postponed(place.clock.now() + timedelta(minutes=5))

    job = await place.leave()
    for turn in range(3 * MOST_STRIKES):
        assert await place.worker(work).drain() == 1, turn
        waiting = await place.become(job)
        assert (waiting.status, waiting.attempts, waiting.strikes, waiting.error) == (Status.QUEUED, 0, 0, None)
        assert waiting.due_at == place.clock.now() + timedelta(minutes=5)
        assert await place.worker(work).drain() == 0
        place.clock.advance(minutes=5)
    assert begun == 3 * MOST_STRIKES


async def test_an_effect_can_be_stored_with_when_the_job_is_due_again(place: Workplace) -> None:
    made = [a_user(f"u{uuid4().hex}") for _ in range(2)]

    async def work(run: Run) -> None:
        is_last = await stored(place.store, made[0].id) is not None
        async with run.finishing() as uow:
            await uow.users.add(made[is_last])
            if not is_last:
                run.again_at(place.clock.now() + timedelta(hours=1))

    job = await place.leave(unique_key="one")
    assert await place.worker(work).drain() == 1
    waiting = await place.become(job)
    assert (waiting.status, waiting.attempts, waiting.strikes) == (Status.QUEUED, 0, 0)
    assert await place.worker(work).drain() == 0
    place.clock.advance(hours=1)
    assert await place.worker(work).drain() == 1
    assert (await place.become(job)).status is Status.SUCCEEDED
    assert [await stored(place.store, user.id) for user in made] == made


async def test_who_lost_the_lease_puts_nothing_off(place: Workplace) -> None:
    """Another worker has the job by now; what this one stored is undone."""
    user = a_user(f"u{uuid4().hex}")

    async def work(run: Run) -> None:
        if run.job.attempts > 1:
            return
        place.clock.advance(hours=1)
        assert await place.worker(work).drain() == 1
        async with run.finishing() as uow:
            await uow.users.add(user)
            run.again_at(place.clock.now())

    job = await place.leave()
    await place.worker(work).drain()
    assert (await place.become(job)).status is Status.SUCCEEDED
    assert await stored(place.store, user.id) is None
