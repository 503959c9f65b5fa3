"""What has run out is swept, and nothing else."""

from datetime import timedelta

from adapters.memory import MemoryDatabase, MemoryTransactions
from application.housekeeping import Sweep, Swept
from domain.access.actor import operator
from tests.clock import OwnClock
from tests.contracts.builders import a_key, a_session, a_user


async def test_only_what_has_run_out_is_swept() -> None:
    clock = OwnClock()
    transactions = MemoryTransactions(MemoryDatabase())
    user = a_user()
    async with transactions.begin() as uow:
        await uow.users.add(user)
        for hours in (1, 3):
            await uow.sessions.add(a_session(user, expires_at=clock.now() + timedelta(hours=hours)))
            await uow.signing_keys.add(a_key(f"k{hours}").retired(clock.now(), timedelta(hours=hours)))
    sweep = Sweep(transactions, clock)
    assert await sweep(operator("test")) == Swept(sessions=0, signing_keys=0)
    for _ in range(2):
        clock.advance(hours=2)
        assert await sweep(operator("test")) == Swept(sessions=1, signing_keys=1)
