"""Telling what happened, in the transaction in which it does: what follows is done afterwards, by the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from application.ports import Clock, Ids
from application.unit_of_work import UnitOfWork
from domain.access.actor import Actor
from domain.events import Emitted, Event
from domain.identity.session import kept_user_agent


@dataclass(frozen=True, slots=True)
class ReactionNames:
    """Which reactions there are to each type of event."""

    by_type: Mapping[type[Event], Sequence[str]]


@dataclass(frozen=True)
class Outbox:
    clock: Clock
    ids: Ids
    reactions: ReactionNames

    async def emit(self, uow: UnitOfWork, actor: Actor, event: Event) -> None:
        """Store the event, and for each reaction to it a delivery, which becomes the receipt."""
        now = self.clock.now()
        origin = replace(actor.origin, user_agent=kept_user_agent(actor.origin.user_agent))
        emitted = Emitted.of(event, id=self.ids.new(), at=now, actor=actor.name, origin=origin)
        await uow.events.add(emitted, {reaction: self.ids.new() for reaction in self.reactions.by_type[type(event)]})
