"""What is done about requests of strangers, once nobody waits for the answer any more."""

from dataclasses import dataclass

from application.audit.trail import Trail
from application.identity.links import Links
from application.identity.recovery import start_reset
from application.identity.verification import start_verification
from application.outbox import Outbox
from application.unit_of_work import UnitOfWork
from domain.events import Emitted
from domain.identity.events import PasswordResetRequested, VerificationRequested
from domain.identity.user import User


@dataclass(frozen=True)
class AccountFollowUps:
    trail: Trail
    outbox: Outbox
    links: Links

    async def start_verification(self, uow: UnitOfWork, emitted: Emitted) -> None:
        """Where there is an active account with this address, which is not verified yet. Who was invited has another
        link to come in by."""
        event = emitted.event
        assert isinstance(event, VerificationRequested)  # noqa: S101
        user = await self._active(uow, event.email_key)
        if user is not None and not user.is_verified and user.password_hash is not None:
            await self.trail.record(uow, emitted.by(), "verification.requested", subject=user.id)
            await start_verification(uow, self.links, self.outbox, emitted.by(), user)

    async def start_reset(self, uow: UnitOfWork, emitted: Emitted) -> None:
        """Where there is an active account with this address."""
        event = emitted.event
        assert isinstance(event, PasswordResetRequested)  # noqa: S101
        user = await self._active(uow, event.email_key)
        if user is not None:
            await self.trail.record(uow, emitted.by(), "password-reset.requested", subject=user.id)
            await start_reset(uow, self.links, self.outbox, emitted.by(), user)

    async def _active(self, uow: UnitOfWork, email_key: str) -> User | None:
        user_id = await uow.users.find(email_key)
        user = await uow.users.get(user_id) if user_id is not None else None
        return user if user is not None and user.is_active and user.email.key == email_key else None
