"""The composition root: the only module that knows adapters, and the only one that uses the container."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import punq
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters import memory, sql
from adapters.security.api_keys import RandomApiKeys
from adapters.security.audit_seals import HmacTrailSignature
from adapters.security.bcrypt_hasher import BcryptHasher
from adapters.security.email_syntax import EmailValidatorSyntax
from adapters.security.jwt_tokens import JwtAccessTokens
from adapters.security.opaque_tokens import HmacDeviceTokens, HmacRefreshTokens
from adapters.security.password_strength import ZxcvbnStrength
from adapters.security.secrets import (
    AUDIT_SEALS,
    DEVICE_TOKENS,
    PASSWORD_PEPPER,
    REFRESH_TOKENS,
    SIGNING_KEY_SEAL,
    Keychain,
)
from adapters.security.signing_keys import Ed25519KeyFactory
from adapters.system import SystemClock, Uuid7Ids
from application.access.permissions import PermissionCatalogue
from application.access.ports import AccessQueries, KeyMaker
from application.app import Access, Application, Audit, Identity, use_cases
from application.audit.ports import AuditQueries, TrailSignature
from application.audit.trail import Trail
from application.idempotency import Idempotency, IdempotencyQueries
from application.identity.accounts import IdentityRules, NewAccounts, Passwords
from application.identity.ports import (
    AccessTokens,
    DeviceTokens,
    EmailSyntax,
    IdentityQueries,
    KeyFactory,
    PasswordHasher,
    PasswordStrength,
    RefreshTokens,
)
from application.ports import Clock, Ids, StoreHealth
from application.unit_of_work import Transactions
from domain.errors import Unavailable
from entrypoints.settings import Settings
from entrypoints.wrong_settings import SettingsError

AUDIENCE = "moothall"


@asynccontextmanager
async def open_application(
    settings: Settings, *, in_memory: bool = False, clock: Clock | None = None
) -> AsyncIterator[Application]:
    """The whole product on the configured store; leaving closes what was opened.

    The embedded default is created and migrated; any other database has to be up to date.

    Raises:
        Unavailable: the database does not answer (`database-unavailable`) or is not migrated (`migrations-pending`).
    """
    async with AsyncExitStack() as resources:
        container = punq.Container()
        if in_memory:
            _register_memory(container)
        else:
            await _register_sql(container, settings, resources)
        _register_security(container, settings, resources, in_memory=in_memory)
        container.register(Clock, instance=clock or SystemClock())
        container.register(Ids, instance=Uuid7Ids())
        container.register(IdentityRules, instance=settings.identity_rules)
        _register_use_cases(container)
        application: Application = container.resolve(Application)
        await application.identity.ensure_signing_key()
        yield application


@asynccontextmanager
async def open_schema(settings: Settings) -> AsyncIterator[sql.Schema]:
    """The database's schema, for whoever migrates it; the data directory is made where it is needed."""
    engine = _engine(settings)
    try:
        yield sql.Schema(engine)
    finally:
        await engine.dispose()


def _register_memory(container: punq.Container) -> None:
    database = memory.MemoryDatabase()
    container.register(Transactions, instance=memory.MemoryTransactions(database))
    container.register(IdentityQueries, instance=memory.MemoryIdentityQueries(database))
    container.register(AccessQueries, instance=memory.MemoryAccessQueries(database))
    container.register(AuditQueries, instance=memory.MemoryAuditQueries(database))
    container.register(IdempotencyQueries, instance=memory.MemoryIdempotencyQueries(database))
    container.register(StoreHealth, instance=memory.MemoryHealth())


async def _register_sql(container: punq.Container, settings: Settings, resources: AsyncExitStack) -> None:
    engine = _engine(settings)
    resources.push_async_callback(engine.dispose)
    schema = sql.Schema(engine)
    if settings.is_embedded:
        await schema.bring_up_to_date()
    elif await schema.is_behind():
        raise Unavailable("migrations-pending", "The database is older than this version; run: moothall db upgrade")
    container.register(Transactions, instance=sql.SqlTransactions(engine))
    reader = sql.Reader(engine)
    container.register(IdentityQueries, instance=sql.SqlIdentityQueries(reader))
    container.register(AccessQueries, instance=sql.SqlAccessQueries(reader))
    container.register(AuditQueries, instance=sql.SqlAuditQueries(reader))
    container.register(IdempotencyQueries, instance=sql.SqlIdempotencyQueries(reader))
    container.register(StoreHealth, instance=sql.SqlHealth(engine))


def _engine(settings: Settings) -> AsyncEngine:
    if settings.database_url is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = sql.Database(
        settings.database,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        pool_recycle=settings.db_pool_recycle,
        timeout=settings.db_timeout,
    )
    try:
        return sql.create_engine(database)
    except ValueError as error:
        raise SettingsError([f"MOOTHALL_DATABASE_URL: {error}"]) from None


def _register_security(
    container: punq.Container, settings: Settings, resources: AsyncExitStack, *, in_memory: bool
) -> None:
    current = secrets.token_urlsafe(48) if in_memory and settings.secret_key is None else settings.secret()
    previous = settings.secret_key_previous
    known = [current] if previous is None else [current, previous.get_secret_value()]
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
    container.register(DeviceTokens, instance=HmacDeviceTokens(Keychain.of(known, DEVICE_TOKENS)))
    container.register(KeyFactory, instance=key_factory)
    container.register(KeyMaker, instance=RandomApiKeys())
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


def _register_use_cases(container: punq.Container) -> None:
    """The table of contents lists every use case; each is built from the ports that it names."""
    for shared in (Passwords, NewAccounts, Trail, Idempotency):
        container.register(shared)
    found = [kind for _, kind in use_cases()]
    container.register(PermissionCatalogue, instance=PermissionCatalogue.of(kind.rule for kind in found))
    for part in (*found, Identity, Access, Audit, Application):
        container.register(part)
