"""Writing the trail: one entry for each change, in the change's own unit of work."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from application.audit.ports import TrailSignature
from application.audit.proofs import proved
from application.ports import Clock, Ids
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.audit.entry import Entry


@dataclass(frozen=True)
class Trail:
    clock: Clock
    ids: Ids
    signature: TrailSignature

    async def record(
        self,
        uow: UnitOfWork,
        actor: Actor,
        action: str,
        *,
        subject: UUID | str | None = None,
        item: UUID | None = None,
        fields: Iterable[str] = (),
    ) -> None:
        """That the actor did this; the parts are those of `Entry`."""
        entry = Entry.of(
            actor, action, id=self.ids.new(), at=self.clock.now(), subject=subject, item=item, fields=fields
        )
        await uow.audit.add(proved(entry, self.signature))
