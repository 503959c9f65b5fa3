"""The job that brings a broadcast to all members, a chunk of them in each transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.jobs.kinds import Run
from application.live.told import Told, Topic
from application.outbox import Outbox
from application.ports import Clock, Ids
from application.unit_of_work import Transactions, UnitOfWork
from domain.access.actor import PROCESS
from domain.errors import NotFound
from domain.notifications.events import NotificationMailed
from domain.notifications.notification import Broadcast, Recipient

CHUNK = 1_000
"""Members that one transaction brings it to: so many that a million takes minutes, so few that nobody waits long."""


@dataclass(frozen=True)
class Broadcasting:
    """How far it has come is stored with each chunk, in the same transaction and under a lock: whoever begins anew goes
    on from there, and two workers at once would take turns. So nobody gets it twice, or is left out."""

    transactions: Transactions
    outbox: Outbox
    clock: Clock
    ids: Ids

    async def work(self, run: Run) -> None:
        """Raises NotFound (`broadcast-not-found`)."""
        broadcast_id = UUID(run.job.args["broadcast_id"])
        async with self.transactions.begin() as uow:
            audience = await uow.broadcasts.audience()
        while True:
            async with self.transactions.begin() as uow:
                broadcast, is_over = await self._next_chunk(uow, broadcast_id)
            await run.progress(broadcast.done, max(audience, broadcast.done))
            if is_over:
                break
        async with run.finishing({"members": broadcast.done, "sent": broadcast.sent}):
            pass

    async def _next_chunk(self, uow: UnitOfWork, broadcast_id: UUID) -> tuple[Broadcast, bool]:
        """How far it is then, and whether it has come to everybody."""
        broadcast = await uow.broadcasts.get(broadcast_id)
        if broadcast is None:
            raise NotFound("broadcast-not-found", "There is no such broadcast any more.")
        members = await uow.broadcasts.next_members(broadcast.reached, CHUNK)
        if not members:
            return broadcast, True
        await self._bring(uow, broadcast, members)
        come = replace(
            broadcast,
            reached=members[-1].user_id,
            done=broadcast.done + len(members),
            sent=broadcast.sent + sum(member.in_app or member.mail for member in members),
        )
        await uow.broadcasts.save(come)
        return come, False

    async def _bring(self, uow: UnitOfWork, broadcast: Broadcast, members: Sequence[Recipient]) -> None:
        here = [(self.ids.new(), member.user_id) for member in members if member.in_app]
        await uow.broadcasts.deliver(broadcast, here, self.clock.now())
        if here:
            uow.told.append(Told(Topic.INBOXES, broadcast.id, {}))
        for member in members:
            if member.mail:
                event = NotificationMailed(member.user_id, broadcast.title, broadcast.body)
                await self.outbox.emit(uow, PROCESS, event)
