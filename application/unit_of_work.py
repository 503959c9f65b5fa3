"""One transaction a use case: everything in it happens, or nothing does."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from application.live.told import Told
from domain.access.api_keys import ApiKeyRepository
from domain.access.roles import RoleRepository
from domain.audit.entry import AuditTrail
from domain.events import EventStore
from domain.idempotency import KeptAnswers
from domain.identity.one_time_token import OneTimeTokens
from domain.identity.session import SessionRepository
from domain.identity.signing_key import SigningKeyRepository
from domain.identity.user import UserRepository
from domain.imports.members_import import Imports
from domain.jobs.job import JobRepository
from domain.live.room import RoomRepository
from domain.live.ticket import TicketRepository
from domain.notifications.notification import Broadcasts, Notifications
from domain.notifications.preferences import PreferencesRepository
from domain.orders.order import OrderRepository
from domain.orders.payment import PaymentRepository
from domain.posts.post import PostRepository
from domain.products.product import ProductRepository
from domain.profiles.profile import ProfileRepository
from domain.webhooks.delivery import DeliveryRepository
from domain.webhooks.webhook import WebhookRepository

ACCESS = "access"
"""What changes roles, or who has them, is serialised under this name."""


class UnitOfWork(Protocol):
    """What one transaction may change. An error that a repository raised spoils it: whoever catches that error, the
    whole is rolled back. Units of work are not nested: the inner one would wait for the outer one for ever.
    """

    @property
    def users(self) -> UserRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def one_time_tokens(self) -> OneTimeTokens: ...

    @property
    def signing_keys(self) -> SigningKeyRepository: ...

    @property
    def roles(self) -> RoleRepository: ...

    @property
    def api_keys(self) -> ApiKeyRepository: ...

    @property
    def audit(self) -> AuditTrail: ...

    @property
    def idempotency(self) -> KeptAnswers: ...

    @property
    def events(self) -> EventStore: ...

    @property
    def jobs(self) -> JobRepository: ...

    @property
    def imports(self) -> Imports: ...

    @property
    def profiles(self) -> ProfileRepository: ...

    @property
    def products(self) -> ProductRepository: ...

    @property
    def orders(self) -> OrderRepository: ...

    @property
    def payments(self) -> PaymentRepository: ...

    @property
    def notifications(self) -> Notifications: ...

    @property
    def broadcasts(self) -> Broadcasts: ...

    @property
    def preferences(self) -> PreferencesRepository: ...

    @property
    def posts(self) -> PostRepository: ...

    @property
    def rooms(self) -> RoomRepository: ...

    @property
    def live_tickets(self) -> TicketRepository: ...

    @property
    def told(self) -> list[Told]:
        """What is told to everybody who listens once it is committed, in this order. It is not stored: it may be lost,
        and whoever listens finds the truth in the store."""
        ...

    @property
    def webhooks(self) -> WebhookRepository: ...

    @property
    def webhook_deliveries(self) -> DeliveryRepository: ...

    async def serialise(self, name: str) -> None:
        """Wait until no other unit of work holds this name, and hold it to the end of this one.

        For rules about many rows, which no lock on one row can keep (such as "the last administrator stays").
        """
        ...


class Transactions(Protocol):
    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Commits on a clean exit; rolls back on an exception or a cancellation.

        Raises:
            Conflict: two units of work wanted the same unique thing, and the other one got it.
            Unavailable: the store does not answer in time.
        """
        ...
