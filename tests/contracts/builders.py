"""Users, sessions, roles, keys and entries with everything filled in, so that a test names only what it is about."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from moothall.contracts import builders as kit

from adapters.security.audit_seals import HmacTrailSignature
from adapters.security.secrets import AUDIT_SEALS, Keychain
from application.audit.proofs import proved
from domain.access.actor import Origin
from domain.access.api_keys import ApiKey
from domain.access.roles import Role
from domain.audit.entry import Entry
from domain.events import Emitted, Event
from domain.identity.events import EmailVerified
from domain.identity.one_time_token import OneTimeToken, Purpose
from domain.identity.session import Session
from domain.identity.signing_key import SigningKey
from domain.identity.user import User
from domain.imports.members_import import Importer, MembersImport, OnDuplicate, Source
from domain.jobs.job import Job
from domain.live.room import Room
from domain.notifications.notification import Kind, Notification
from domain.orders.order import Order, OrderLine, OrderStatus
from domain.orders.payment import Payment, PaymentStatus
from domain.posts.post import Post
from domain.products.product import Product
from domain.webhooks.delivery import Delivery
from domain.webhooks.webhook import SecretSeed, Webhook
from tests.stores import Store

NOW = kit.NOW
SECOND = kit.SECOND
SECRET = "x" * 40
SIGNATURE = HmacTrailSignature(Keychain.of([SECRET], AUDIT_SEALS))

examples = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""For hypothesis on a store: each example cleans up what it stored."""

a_user = kit.a_user


def a_session(user: User, **fields: Any) -> Session:
    session = Session(
        id=uuid4(),
        user_id=user.id,
        seed=bytes(range(32)),
        secret_id="k1",
        counter=1,
        rotated_at=NOW,
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + 3600 * SECOND,
        address="192.0.2.1",
        user_agent="curl/8",
    )
    return replace(session, **fields)


def a_key(kid: str, **fields: Any) -> SigningKey:
    key = SigningKey(
        kid=kid,
        algorithm="EdDSA",
        public_key=b"\x00public\xff",
        sealed_private_key=b"\xffsealed\x00",
        secret_id="k1",
        created_at=NOW,
    )
    return replace(key, **fields)


def a_role(name: str = "editor", *permissions: str, **fields: Any) -> Role:
    role = Role(
        id=uuid4(),
        name=name,
        description=None,
        permissions=frozenset(permissions),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(role, **fields)


def an_api_key(user: User, *permissions: str, **fields: Any) -> ApiKey:
    key = ApiKey(
        id=uuid4(),
        user_id=user.id,
        name="nightly report",
        prefix="mh_abcdef",
        digest=uuid4().bytes * 2,
        permissions=frozenset(permissions),
        created_at=NOW,
        expires_at=None,
    )
    return replace(key, **fields)


def a_token(user: User, purpose: Purpose = Purpose.RESET_PASSWORD, **fields: Any) -> OneTimeToken:
    token = OneTimeToken(
        id=uuid4(),
        user_id=user.id,
        purpose=purpose,
        email=user.email,
        seed=bytes(range(32)),
        secret_id="k1",
        created_at=NOW,
        expires_at=NOW + 3600 * SECOND,
    )
    return replace(token, **fields)


def an_event(event: Event | None = None, **fields: Any) -> Emitted:
    emitted = Emitted.of(
        event or EmailVerified(uuid4()),
        id=uuid4(),
        at=NOW,
        actor="cli:test",
        origin=Origin("192.0.2.1", "curl/8", "r1"),
    )
    return replace(emitted, **fields)


def a_job(kind: str = "work", **fields: Any) -> Job:
    job = Job(id=uuid4(), kind=kind, args={}, created_at=NOW, due_at=NOW)
    return replace(job, **fields)


def an_entry(action: str = "user.updated", **fields: Any) -> Entry:
    entry = Entry(
        id=uuid4(),
        at=NOW,
        action=action,
        actor="cli:test",
        api_key_id=None,
        impersonating=None,
        subject=str(uuid4()),
        item=None,
        fields=("email", "+editor"),
        address="192.0.2.1",
        request_id="r1",
    )
    return signed(replace(entry, **fields))


def signed(entry: Entry, secret: str = SECRET) -> Entry:
    """As the service would write it."""
    return proved(entry, HmacTrailSignature(Keychain.of([secret], AUDIT_SEALS)))


def a_notification(user: User, **fields: Any) -> Notification:
    made = Notification(id=uuid4(), user_id=user.id, kind=Kind.MESSAGE, title="Hello", body="World", created_at=NOW)
    return replace(made, **fields)


def a_post_by(author: User, **fields: Any) -> Post:
    post = Post.written(id=uuid4(), author_id=author.id, title="On bees", content="", is_published=True, now=NOW)
    return replace(post, **fields)


def a_room(name: str = "lounge", **fields: Any) -> Room:
    room = Room(id=uuid4(), name=name, title="The lounge", permission=None, created_at=NOW)
    return replace(room, **fields)


async def add(store: Store, *users: User, sessions: Iterable[Session] = ()) -> None:
    async with store.transactions.begin() as uow:
        for user in users:
            await uow.users.add(user)
        for session in sessions:
            await uow.sessions.add(session)


async def add_roles(store: Store, *roles: Role) -> None:
    async with store.transactions.begin() as uow:
        for role in roles:
            await uow.roles.add(role)


async def add_api_keys(store: Store, *keys: ApiKey) -> None:
    async with store.transactions.begin() as uow:
        for key in keys:
            await uow.api_keys.add(key)


async def add_entries(store: Store, *entries: Entry) -> None:
    async with store.transactions.begin() as uow:
        for entry in entries:
            await uow.audit.add(entry)


async def stored(store: Store, user_id: UUID) -> User | None:
    async with store.transactions.begin() as uow:
        return await uow.users.get(user_id)


async def add_jobs(store: Store, *jobs: Job) -> None:
    async with store.transactions.begin() as uow:
        for job in jobs:
            await uow.jobs.add(job)


async def stored_job(store: Store, job_id: UUID) -> Job | None:
    async with store.transactions.begin() as uow:
        return await uow.jobs.get(job_id)


async def remove(store: Store, *users: User) -> None:
    async with store.transactions.begin() as uow:
        for user in users:
            await uow.users.remove(user.id)


def a_product(sku: str = "mug", **fields: Any) -> Product:
    product = Product(
        id=uuid4(),
        sku=sku,
        name=f"A {sku}",
        description=None,
        price=1250,
        currency="EUR",
        stock=10,
        is_active=True,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(product, **fields)


def a_line(product: Product, quantity: int = 1) -> OrderLine:
    return OrderLine(product.id, product.sku, product.name, quantity, product.price, product.stock is not None)


def an_order(user: User, *lines: OrderLine, **fields: Any) -> Order:
    order = Order(
        id=uuid4(),
        user_id=user.id,
        status=OrderStatus.PLACED,
        currency="EUR",
        total=sum(line.quantity * line.unit_price for line in lines),
        lines=lines or (a_line(a_product()),),
        placed_at=NOW,
    )
    return replace(order, **fields)


def a_payment(order: Order, **fields: Any) -> Payment:
    payment = Payment(
        id=uuid4(),
        order_id=order.id,
        gateway="sandbox",
        status=PaymentStatus.PENDING,
        amount=order.total,
        currency=order.currency,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(payment, **fields)


async def add_products(store: Store, *products: Product) -> None:
    async with store.transactions.begin() as uow:
        for product in products:
            await uow.products.add(product)


async def add_orders(store: Store, *orders: Order) -> None:
    async with store.transactions.begin() as uow:
        for order in orders:
            await uow.orders.add(order)


def a_webhook(*events: str, **fields: Any) -> Webhook:
    webhook = Webhook(
        id=uuid4(),
        url="https://hooks.example/moothall",
        events=events or ("*",),
        description=None,
        secret=SecretSeed("k1", bytes(range(32))),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(webhook, **fields)


def a_webhook_delivery(webhook: Webhook | UUID, subject: UUID | None = None, **fields: Any) -> Delivery:
    """One that is pending, and due."""
    delivery = Delivery(
        id=uuid4(),
        webhook_id=webhook if isinstance(webhook, UUID) else webhook.id,
        message_id=uuid4(),
        event="order.paid",
        subject=subject or uuid4(),
        body='{"type":"order.paid"}',
        created_at=NOW,
        pending_since=NOW,
        next_attempt_at=NOW,
    )
    return replace(delivery, **fields)


async def add_webhooks(store: Store, *webhooks: Webhook) -> None:
    async with store.transactions.begin() as uow:
        for webhook in webhooks:
            await uow.webhooks.add(webhook)


async def add_webhook_deliveries(store: Store, *deliveries: Delivery) -> list[Delivery]:
    """As they are stored, with their numbers."""
    async with store.transactions.begin() as uow:
        await uow.webhook_deliveries.add(deliveries)
        found = [await uow.webhook_deliveries.get(delivery.id) for delivery in deliveries]
    return [delivery for delivery in found if delivery is not None]


def a_members_import(job: Job, **fields: Any) -> MembersImport:
    """Of ten rows, by an operator."""
    found = MembersImport(
        id=uuid4(),
        job_id=job.id,
        importer=Importer("cli:test", frozenset({"*"})),
        source=Source.MOOTHALL,
        on_duplicate=OnDuplicate.SKIP,
        dry_run=False,
        invite=False,
        file_digest=bytes(32),
        file_size=100,
        lines=11,
        created_at=job.created_at,
    )
    return replace(found, **fields)
