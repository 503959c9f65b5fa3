"""Telling what happened, in the transaction in which it does: what follows is done afterwards, by the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from application.ports import Clock, Ids
from application.unit_of_work import UnitOfWork
from application.webhooks.subscribers import Subscribers
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
    subscribers: Subscribers

    async def is_heard(self, uow: UnitOfWork, kind: type[Event]) -> bool:
        """Whether anything would follow from such an event: for who would emit thousands."""
        return bool(self.reactions.by_type[kind] or await self.subscribers.to(uow, kind.name))

    async def emit(self, uow: UnitOfWork, actor: Actor, event: Event) -> None:
        """Store the event, and for each reaction to it a delivery, which becomes the receipt; and one to each webhook
        that wants it. What neither follows from is not stored."""
        reactions = self.reactions.by_type[type(event)]
        webhooks = await self.subscribers.to(uow, event.name) if event.about is not None else ()
        if not reactions and not webhooks:
            return
        now = self.clock.now()
        origin = replace(actor.origin, user_agent=kept_user_agent(actor.origin.user_agent))
        emitted = Emitted.of(event, id=self.ids.new(), at=now, actor=actor.name, origin=origin)
        if reactions:
            await uow.events.add(emitted, {reaction: self.ids.new() for reaction in reactions})
        if webhooks and event.about is not None:
            await self.subscribers.post(uow, emitted, event.about, webhooks)
