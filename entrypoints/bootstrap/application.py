"""The product, put together: ports get adapters, use cases get ports."""

import os
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import punq

from adapters import mail, memory, sql
from adapters.blobs import MemoryBlobs
from adapters.blobs.obstore import ObstoreBlobs
from adapters.hubs import LocalHub
from adapters.images import PillowImages
from adapters.payments import SandboxGateway
from adapters.rate_limits import LocalRateLimits
from adapters.security.api_keys import RandomApiKeys
from adapters.security.audit_seals import HmacTrailSignature
from adapters.security.bcrypt_hasher import BcryptHasher
from adapters.security.email_syntax import EmailValidatorSyntax
from adapters.security.jwt_tokens import JwtAccessTokens
from adapters.security.live_tickets import RandomTickets
from adapters.security.opaque_tokens import HmacDeviceTokens, HmacLinkTokens, HmacRefreshTokens
from adapters.security.password_strength import ZxcvbnStrength
from adapters.security.secrets import (
    AUDIT_SEALS,
    DEVICE_TOKENS,
    LINK_TOKENS,
    PASSWORD_PEPPER,
    PAYMENT_CALLBACKS,
    REFRESH_TOKENS,
    SIGNING_KEY_SEAL,
    WEBHOOK_SECRETS,
    Keychain,
)
from adapters.security.signing_keys import Ed25519KeyFactory
from adapters.security.webhook_secrets import HmacWebhookSecrets
from adapters.system import SystemClock, Uuid7Ids
from adapters.webhooks import GuardedTargets, LateWebhookSender, SystemResolver
from application.access.permissions import PermissionCatalogue
from application.access.ports import AccessQueries, KeyMaker
from application.app import (
    Access,
    Application,
    Audit,
    Identity,
    Imports,
    Jobs,
    Live,
    Notifications,
    Orders,
    Posts,
    Products,
    Profiles,
    Webhooks,
    rules,
    use_cases,
)
from application.audit.ports import AuditQueries, TrailSignature
from application.audit.trail import Trail
from application.blobs import BlobStore
from application.idempotency import Idempotency, IdempotencyQueries
from application.identity.accounts import IdentityRules, NewAccounts, Passwords
from application.identity.attempts import PasswordAttempts
from application.identity.erasure import Erasure
from application.identity.export import ExportPlaces
from application.identity.follow_ups import AccountFollowUps
from application.identity.known_callers import KnownCallers
from application.identity.letters import AccountLetters
from application.identity.links import Links
from application.identity.ports import (
    AccessTokens,
    DeviceTokens,
    EmailSyntax,
    IdentityQueries,
    KeyFactory,
    LinkTokens,
    PasswordHasher,
    PasswordStrength,
    RefreshTokens,
)
from application.identity.user_counts import UserCounts
from application.imports.files import ImportFiles, ImportFileSweep
from application.imports.importing import Importing
from application.imports.merging import Merging
from application.imports.ports import ImportQueries
from application.jobs.finishing import FinishedJobs
from application.jobs.kinds import JobKind, JobKinds
from application.jobs.ports import JobQueries
from application.jobs.runner import LEASE, Runner
from application.limits import Limits, LiveLimit, Quotas, RateLimiter, RequestLimit
from application.live.ports import Hub, LiveQueries, TicketMaker
from application.live.switchboard import Switchboard
from application.live.telling import TellingTransactions
from application.mail import Mailer, MailTemplates
from application.notifications.broadcasting import Broadcasting
from application.notifications.composer import NotificationComposer
from application.notifications.notifier import Notifier
from application.notifications.ports import NotificationQueries
from application.notifications.texts import Texts, texts_in
from application.orders.books import Books
from application.orders.payments import Settlement, TakePaymentNotice
from application.orders.ports import OrderQueries, PaymentGateways
from application.outbox import Outbox, ReactionNames
from application.ports import Clock, Ids, Load, StoreHealth, WakeUps, Watched
from application.posts.known_posts import KnownPosts
from application.posts.ports import PostQueries
from application.products.ports import ProductQueries
from application.profiles.avatar_files import AvatarFiles, AvatarSweep
from application.profiles.ports import AvatarImages, ProfileQueries
from application.reactions import REACTION_NAMES, Reactions
from application.remembering import Changes
from application.site import Site
from application.unit_of_work import Transactions
from application.webhooks.deliveries import Replaying
from application.webhooks.gate import Gate
from application.webhooks.ports import Chance, WebhookQueries, WebhookSecrets, WebhookSender, WebhookTargets
from application.webhooks.sending import WebhookSending
from application.webhooks.subscribers import Subscribers
from application.work import BackgroundWork
from domain.errors import Unavailable
from entrypoints.bootstrap.parts import blob_place, engine_of, open_mailer, open_templates, redis_server, secrets_of
from entrypoints.settings import Environment, Settings
from entrypoints.wiring import Wiring

if TYPE_CHECKING:
    from adapters.redis_client import Circuit, RedisClient, RedisServer

AUDIENCE = "moothall"

CHAPTERS = (Identity, Imports, Access, Audit, Jobs, Profiles, Posts, Products, Orders, Notifications, Live, Webhooks)
SHARED = (
    Passwords,
    NewAccounts,
    PasswordAttempts,
    Quotas,
    Trail,
    Idempotency,
    Outbox,
    Links,
    Erasure,
    AvatarFiles,
    AvatarSweep,
    ImportFiles,
    ImportFileSweep,
    Books,
    Settlement,
    Notifier,
    FinishedJobs,
    ExportPlaces,
)
"""What several use cases have in common."""
REMEMBERING = (KnownCallers, UserCounts, KnownPosts, Subscribers, Switchboard)
BACKGROUND = (
    AccountLetters,
    AccountFollowUps,
    NotificationComposer,
    Broadcasting,
    Merging,
    Importing,
    Reactions,
    Gate,
    WebhookSending,
    Replaying,
    BackgroundWork,
)


class _Ports(punq.Container):
    """The container, with something of the caller's own around what it hands out."""

    def __init__(self, around: Callable[[Any, Any], Any] | None) -> None:
        super().__init__()
        self._around = around

    def resolve(self, service_key: Any, **arguments: Any) -> Any:
        found = super().resolve(service_key, **arguments)
        return found if self._around is None else self._around(service_key, found)


@asynccontextmanager
async def open_application(
    settings: Settings,
    *,
    in_memory: bool = False,
    clock: Clock | None = None,
    mailer: Mailer | None = None,
    more_kinds: Iterable[JobKind] = (),
    lease: timedelta = LEASE,
    around: Callable[[Any, Any], Any] | None = None,
) -> AsyncIterator[Application]:
    """The whole product on the configured store; leaving closes what was opened.

    `clock` and `mailer` take the place of the configured ones; `more_kinds` of jobs are done beside the product's own;
    `lease` is how long a worker that fell silent keeps a job. `around` is asked for each port, by its type, what is
    used in its place.

    The embedded default is created and migrated; any other database has to be up to date.

    Raises:
        Unavailable: the database does not answer (`database-unavailable`) or is not migrated (`migrations-pending`).
    """
    async with AsyncExitStack() as resources:
        container = _Ports(around)
        container.register(Clock, instance=clock or SystemClock())
        container.register(Ids, instance=Uuid7Ids())
        redis = _open_redis(settings, resources)
        hub = _register_hub(container, settings, resources, None if in_memory else redis)
        connections: Watched | None = None
        if in_memory:
            _register_memory(container, hub)
        else:
            connections = await _register_sql(container, settings, resources, hub)
        known = secrets_of(settings, in_memory=in_memory)
        hasher = _register_security(container, settings, resources, known)
        sandbox = _register_payments(container, settings, known, in_memory=in_memory)
        _register_limits(container, settings, redis)
        _register_webhooks(container, settings, resources)
        container.register(Load, instance=Load(connections, hasher, redis.circuit if redis else None))
        container.register(MailTemplates, instance=open_templates(settings))
        container.register(Mailer, instance=mailer or (mail.MemoryMailer() if in_memory else open_mailer(settings)))
        container.register(BlobStore, instance=MemoryBlobs() if in_memory else ObstoreBlobs(blob_place(settings)))
        images = PillowImages()
        resources.callback(images.close)
        container.register(AvatarImages, instance=images)
        container.register(Texts, instance=texts_in(settings.mail_language))
        container.register(IdentityRules, instance=settings.identity_rules)
        container.register(Site, instance=Site(str(settings.public_url).rstrip("/")))
        wiring = _wired(container)
        container.register(Runner, instance=_runner(container, wiring, sandbox, more_kinds, lease))
        application = wiring.make(Application)
        await application.identity.ensure_signing_key()
        yield application


@dataclass(frozen=True)
class _Redis:
    server: "RedisServer"
    client: "RedisClient"
    circuit: "Circuit"


def _open_redis(settings: Settings, resources: AsyncExitStack) -> _Redis | None:
    server = redis_server(settings)
    if server is None:
        return None
    from adapters.redis_client import Circuit, open_client  # noqa: PLC0415 (as above)

    client = open_client(server, settings.redis_timeout)
    circuit = Circuit(client, settings.redis_timeout)
    resources.push_async_callback(circuit.close)
    return _Redis(server, client, circuit)


def _register_hub(
    container: punq.Container, settings: Settings, resources: AsyncExitStack, redis: _Redis | None
) -> Hub:
    """How processes tell each other; without Redis each knows itself alone."""
    hub: Hub = LocalHub()
    if redis is not None:
        from adapters.hubs.shared import SharedHub  # noqa: PLC0415 (as above)

        hub = SharedHub(redis.client, redis.circuit, redis.server, timeout=settings.redis_timeout)
        resources.push_async_callback(hub.close)
    container.register(Hub, instance=hub)
    return hub


def _register_memory(container: punq.Container, hub: Hub) -> None:
    database = memory.MemoryDatabase()
    transactions = memory.MemoryTransactions(database)
    container.register(Transactions, instance=TellingTransactions(transactions, hub))
    container.register(WakeUps, instance=transactions.wake_ups)
    container.register(Changes, instance=transactions.changes)
    container.register(JobQueries, instance=memory.MemoryJobQueries(database))
    container.register(ImportQueries, instance=memory.MemoryImportQueries(database))
    container.register(ProfileQueries, instance=memory.MemoryProfileQueries(database))
    container.register(IdentityQueries, instance=memory.MemoryIdentityQueries(database))
    container.register(AccessQueries, instance=memory.MemoryAccessQueries(database))
    container.register(AuditQueries, instance=memory.MemoryAuditQueries(database))
    container.register(ProductQueries, instance=memory.MemoryProductQueries(database))
    container.register(OrderQueries, instance=memory.MemoryOrderQueries(database))
    container.register(PostQueries, instance=memory.MemoryPostQueries(database))
    container.register(IdempotencyQueries, instance=memory.MemoryIdempotencyQueries(database))
    container.register(NotificationQueries, instance=memory.MemoryNotificationQueries(database))
    container.register(LiveQueries, instance=memory.MemoryLiveQueries(database))
    container.register(WebhookQueries, instance=memory.MemoryWebhookQueries(database))
    container.register(StoreHealth, instance=memory.MemoryHealth())


async def _register_sql(container: punq.Container, settings: Settings, resources: AsyncExitStack, hub: Hub) -> Watched:
    engine = engine_of(settings)
    resources.push_async_callback(engine.dispose)
    schema = sql.Schema(engine)
    if settings.is_embedded:
        await schema.bring_up_to_date()
    elif await schema.is_behind():
        raise Unavailable("migrations-pending", "The database is older than this version; run: moothall db upgrade")
    transactions = sql.SqlTransactions(engine)
    resources.push_async_callback(transactions.news.close)
    container.register(Transactions, instance=TellingTransactions(transactions, hub))
    container.register(WakeUps, instance=transactions.news.wake_ups)
    container.register(Changes, instance=transactions.news.changes)
    reader = sql.Reader(engine)
    container.register(JobQueries, instance=sql.SqlJobQueries(reader))
    container.register(ImportQueries, instance=sql.SqlImportQueries(reader))
    container.register(ProfileQueries, instance=sql.SqlProfileQueries(reader))
    container.register(IdentityQueries, instance=sql.SqlIdentityQueries(reader))
    container.register(AccessQueries, instance=sql.SqlAccessQueries(reader))
    container.register(AuditQueries, instance=sql.SqlAuditQueries(reader))
    container.register(ProductQueries, instance=sql.SqlProductQueries(reader))
    container.register(OrderQueries, instance=sql.SqlOrderQueries(reader))
    container.register(PostQueries, instance=sql.SqlPostQueries(reader))
    container.register(IdempotencyQueries, instance=sql.SqlIdempotencyQueries(reader))
    container.register(NotificationQueries, instance=sql.SqlNotificationQueries(reader))
    container.register(LiveQueries, instance=sql.SqlLiveQueries(reader))
    container.register(WebhookQueries, instance=sql.SqlWebhookQueries(reader))
    container.register(StoreHealth, instance=sql.SqlHealth(engine))
    return sql.SqlConnections(engine, reader, transactions)


def _register_security(
    container: punq.Container, settings: Settings, resources: AsyncExitStack, known: Sequence[str]
) -> Watched:
    hasher = BcryptHasher(
        Keychain.of(known, PASSWORD_PEPPER),
        cost=settings.bcrypt_cost,
        threads=max(1, (os.cpu_count() or 1) // settings.workers),
    )
    resources.callback(hasher.close)
    key_factory = Ed25519KeyFactory(Keychain.of(known, SIGNING_KEY_SEAL))
    container.register(PasswordHasher, instance=hasher)
    container.register(PasswordStrength, instance=ZxcvbnStrength())
    container.register(EmailSyntax, instance=EmailValidatorSyntax())
    container.register(RefreshTokens, instance=HmacRefreshTokens(Keychain.of(known, REFRESH_TOKENS)))
    container.register(LinkTokens, instance=HmacLinkTokens(Keychain.of(known, LINK_TOKENS)))
    container.register(DeviceTokens, instance=HmacDeviceTokens(Keychain.of(known, DEVICE_TOKENS)))
    container.register(KeyFactory, instance=key_factory)
    container.register(KeyMaker, instance=RandomApiKeys())
    container.register(TicketMaker, instance=RandomTickets())
    container.register(WebhookSecrets, instance=HmacWebhookSecrets(Keychain.of(known, WEBHOOK_SECRETS)))
    container.register(TrailSignature, instance=HmacTrailSignature(Keychain.of(known, AUDIT_SEALS)))
    container.register(
        AccessTokens,
        instance=JwtAccessTokens(
            container.resolve(IdentityQueries),
            key_factory,
            issuer=settings.token_issuer,
            audience=AUDIENCE,
            lifetime=settings.identity_rules.access_token_ttl,
        ),
    )
    return hasher


def _register_payments(
    container: punq.Container, settings: Settings, known: Sequence[str], *, in_memory: bool
) -> SandboxGateway | None:
    """The sandbox would let everybody pay with nothing: there is none in production."""
    if settings.environment is Environment.PRODUCTION and not in_memory:
        container.register(PaymentGateways, instance=PaymentGateways({}))
        return None
    sandbox = SandboxGateway(
        Keychain.of(known, PAYMENT_CALLBACKS),
        container.resolve(Transactions),
        container.resolve(Clock),
        container.resolve(Ids),
    )
    container.register(PaymentGateways, instance=PaymentGateways({sandbox.name: sandbox}))
    return sandbox


def _register_limits(container: punq.Container, settings: Settings, redis: _Redis | None) -> None:
    """Requests and messages are counted by each process for itself; all else in Redis, or by each with a part of the
    limit."""
    container.register(Limits, instance=settings.limits)
    container.register(RequestLimit, instance=RequestLimit(LocalRateLimits(), settings.limits.default))
    container.register(LiveLimit, instance=LiveLimit(LocalRateLimits(), settings.limits.live))
    if redis is None:
        container.register(RateLimiter, instance=LocalRateLimits(share=settings.workers))
        return
    from adapters.rate_limits.shared import SharedRateLimits  # noqa: PLC0415 (as above)

    container.register(RateLimiter, instance=SharedRateLimits(redis.client, redis.circuit, workers=settings.workers))


def _register_webhooks(container: punq.Container, settings: Settings, resources: AsyncExitStack) -> None:
    to_loopback = settings.webhooks_to_loopback
    resolver = SystemResolver()
    resources.callback(resolver.close)
    sender = LateWebhookSender(resolver, timeout=settings.http_timeout, to_loopback=to_loopback)
    resources.push_async_callback(sender.close)
    https_only = settings.environment is Environment.PRODUCTION
    container.register(
        WebhookTargets, instance=GuardedTargets(resolver, https_only=https_only, to_loopback=to_loopback)
    )
    container.register(WebhookSender, instance=sender)
    container.register(Chance, instance=random.random)


def _wired(container: punq.Container) -> Wiring:
    """The table of contents lists every use case; each is built from the ports that it names."""
    container.register(ReactionNames, instance=REACTION_NAMES)
    found = [kind for _, kind in use_cases()]
    container.register(PermissionCatalogue, instance=PermissionCatalogue.of(rules()))
    return Wiring(container.resolve, (*SHARED, *REMEMBERING, *BACKGROUND, *found, *CHAPTERS, Application))


def _runner(
    container: punq.Container,
    wiring: Wiring,
    sandbox: SandboxGateway | None,
    more_kinds: Iterable[JobKind],
    lease: timedelta,
) -> Runner:
    callbacks = [] if sandbox is None else [sandbox.callbacks(wiring.make(TakePaymentNotice))]
    return Runner(
        container.resolve(Transactions),
        container.resolve(WakeUps),
        JobKinds.of([*wiring.make(BackgroundWork).kinds(), *callbacks, *more_kinds]),
        container.resolve(Clock),
        container.resolve(Ids),
        random.random,
        lease=lease,
        tell_finished=wiring.make(FinishedJobs).tell,
    )
