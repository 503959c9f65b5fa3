"""What is committed, and what a unit of work changes on top of it."""

import asyncio
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar
from uuid import UUID

from domain.access.api_keys import ApiKey
from domain.access.roles import BUILT_IN_ROLES, Role, permissions_of
from domain.audit.entry import Entry, Seal
from domain.errors import MoothallError
from domain.events import Emitted
from domain.idempotency import KeptAnswer
from domain.identity.one_time_token import OneTimeToken
from domain.identity.session import Session
from domain.identity.signing_key import SigningKey
from domain.identity.user import User
from domain.imports.members_import import MembersImport, RejectedRow
from domain.jobs.job import Job
from domain.live.room import Room, RoomMessage
from domain.live.ticket import Ticket
from domain.notifications.notification import Broadcast, Kind, Notification
from domain.notifications.preferences import Choice
from domain.orders.order import Order
from domain.orders.payment import Payment
from domain.posts.post import Post
from domain.products.product import Product
from domain.profiles.profile import Profile
from domain.webhooks.delivery import Delivery
from domain.webhooks.webhook import Webhook

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class MemoryDatabase:
    """Everything that is committed: frozen entities by their keys.

    `emails`, `usernames` and `external_ids` say whose a key is; `inboxes` and `room_numbers` have the latest number of
    each member and room, `notification_numbers` those of the notifications; `commits` is how often anything was
    committed. `writer` is held by the one unit of work that is under way; readers need no lock, because a commit
    happens in one step of the event loop.
    """

    def __init__(self) -> None:
        self.users: dict[UUID, User] = {}
        self.emails: dict[str, UUID] = {}
        self.usernames: dict[str, UUID] = {}
        self.external_ids: dict[str, UUID] = {}
        self.sessions: dict[UUID, Session] = {}
        self.one_time_tokens: dict[UUID, OneTimeToken] = {}
        self.signing_keys: dict[str, SigningKey] = {}
        self.roles: dict[str, Role] = {role.name: role for role in BUILT_IN_ROLES}
        self.api_keys: dict[UUID, ApiKey] = {}
        self.audit_entries: dict[UUID, Entry] = {}
        self.seals: dict[UUID, Seal] = {}
        self.kept_answers: dict[tuple[str, str], KeptAnswer] = {}
        self.events: dict[UUID, Emitted] = {}
        self.jobs: dict[UUID, Job] = {}
        self.imports: dict[UUID, MembersImport] = {}
        self.import_rejects: dict[tuple[UUID, int], tuple[RejectedRow, ...]] = {}
        self.import_expectations: dict[tuple[UUID, bytes], bool] = {}
        self.profiles: dict[UUID, Profile] = {}
        self.products: dict[UUID, Product] = {}
        self.orders: dict[UUID, Order] = {}
        self.payments: dict[UUID, Payment] = {}
        self.notifications: dict[UUID, Notification] = {}
        self.notification_numbers: dict[UUID, int] = {}
        self.inboxes: dict[UUID, int] = {}
        self.broadcasts: dict[UUID, Broadcast] = {}
        self.preferences: dict[tuple[UUID, Kind], tuple[Choice, int]] = {}
        self.posts: dict[UUID, Post] = {}
        self.rooms: dict[UUID, Room] = {}
        self.room_numbers: dict[UUID, int] = {}
        self.room_messages: dict[tuple[UUID, int], RoomMessage] = {}
        self.live_tickets: dict[bytes, Ticket] = {}
        self.webhooks: dict[UUID, Webhook] = {}
        self.webhook_deliveries: dict[UUID, Delivery] = {}
        self.delivery_numbers: Iterator[int] = count(1)
        self.commits = 0
        self.writer = asyncio.Lock()

    def permissions_of(self, user: User) -> frozenset[str]:
        """All that the user's roles give."""
        return permissions_of(self.roles[name] for name in user.roles if name in self.roles)


class Layer(Generic[K, V]):
    """One table as a unit of work sees it: its own changes, laid over what is committed."""

    def __init__(self, committed: dict[K, V]) -> None:
        self._committed = committed
        self._changes: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        return self._changes[key] if key in self._changes else self._committed.get(key)

    def items(self) -> list[tuple[K, V]]:
        return [(key, value) for key, value in {**self._committed, **self._changes}.items() if value is not None]

    def values(self) -> list[V]:
        return [value for _, value in self.items()]

    def add(self, key: K, value: V) -> None:
        """Raises LookupError where there is one already, which is a bug: keys are made by chance."""
        if self.get(key) is not None:
            raise LookupError(f"{key} is there already.")
        self.put(key, value)

    def put(self, key: K, value: V) -> None:
        self._changes[key] = value

    def remove(self, key: K) -> bool:
        """Whether it was there."""
        was_there = self.get(key) is not None
        self._changes[key] = None
        return was_there

    def commit(self) -> None:
        for key, value in self._changes.items():
            if value is None:
                self._committed.pop(key, None)
            else:
                self._committed[key] = value


class Changes:
    """All that one unit of work has changed so far. Rolling back is forgetting it.

    `spoilt_by` is the first error that a change met: as in a database, nothing can be committed after it, whoever
    caught it. `left_work` says that there may be a job for the workers now.
    """

    def __init__(self, database: MemoryDatabase) -> None:
        self.users = Layer(database.users)
        self.emails = Layer(database.emails)
        self.usernames = Layer(database.usernames)
        self.external_ids = Layer(database.external_ids)
        self.sessions = Layer(database.sessions)
        self.one_time_tokens = Layer(database.one_time_tokens)
        self.signing_keys = Layer(database.signing_keys)
        self.roles = Layer(database.roles)
        self.api_keys = Layer(database.api_keys)
        self.audit_entries = Layer(database.audit_entries)
        self.seals = Layer(database.seals)
        self.kept_answers = Layer(database.kept_answers)
        self.events = Layer(database.events)
        self.jobs = Layer(database.jobs)
        self.imports = Layer(database.imports)
        self.import_rejects = Layer(database.import_rejects)
        self.import_expectations = Layer(database.import_expectations)
        self.profiles = Layer(database.profiles)
        self.products = Layer(database.products)
        self.orders = Layer(database.orders)
        self.payments = Layer(database.payments)
        self.notifications = Layer(database.notifications)
        self.notification_numbers = Layer(database.notification_numbers)
        self.inboxes = Layer(database.inboxes)
        self.broadcasts = Layer(database.broadcasts)
        self.preferences = Layer(database.preferences)
        self.posts = Layer(database.posts)
        self.rooms = Layer(database.rooms)
        self.room_numbers = Layer(database.room_numbers)
        self.room_messages = Layer(database.room_messages)
        self.live_tickets = Layer(database.live_tickets)
        self.webhooks = Layer(database.webhooks)
        self.webhook_deliveries = Layer(database.webhook_deliveries)
        self.delivery_numbers = database.delivery_numbers
        self.left_work = False
        self.spoilt_by: MoothallError | None = None

    def spoil(self, error: MoothallError) -> MoothallError:
        self.spoilt_by = self.spoilt_by or error
        return error

    def commit(self) -> None:
        """Raises what spoilt the changes, if anything did."""
        if self.spoilt_by is not None:
            raise self.spoilt_by
        for layer in (
            self.users,
            self.emails,
            self.usernames,
            self.external_ids,
            self.sessions,
            self.one_time_tokens,
            self.signing_keys,
            self.roles,
            self.api_keys,
            self.audit_entries,
            self.seals,
            self.kept_answers,
            self.events,
            self.jobs,
            self.imports,
            self.import_rejects,
            self.import_expectations,
            self.profiles,
            self.products,
            self.orders,
            self.payments,
            self.notifications,
            self.notification_numbers,
            self.inboxes,
            self.broadcasts,
            self.preferences,
            self.posts,
            self.rooms,
            self.room_numbers,
            self.room_messages,
            self.live_tickets,
            self.webhooks,
            self.webhook_deliveries,
        ):
            layer.commit()
