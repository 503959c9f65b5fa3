"""What is opened by itself, by commands too: mail, files, Redis, the database and what saves it."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters import mail, sql
from adapters.blobs import BlobPlace
from adapters.blobs.obstore import ObstoreBlobs
from adapters.security.audit_seals import HmacTrailSignature
from adapters.security.secrets import AUDIT_SEALS, Keychain, id_of
from adapters.system import SystemClock, Uuid7Ids
from application.audit.trail import Trail
from application.mail import Mailer, MailTemplates
from entrypoints.settings import Settings
from entrypoints.wrong_settings import SettingsError

if TYPE_CHECKING:
    from adapters.backups import Backups
    from adapters.mail.smtp import SmtpMailer
    from adapters.redis_client import RedisServer


@asynccontextmanager
async def open_schema(settings: Settings) -> AsyncIterator[sql.Schema]:
    """The database's schema, for whoever migrates it; the data directory is made where it is needed."""
    engine = engine_of(settings)
    try:
        yield sql.Schema(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_backups(settings: Settings) -> AsyncIterator["Backups"]:
    """What saves all that there is, and brings it back; opening it makes neither a table nor a secret."""
    from adapters.backups import Backups  # noqa: PLC0415 (few commands need it)

    def trail() -> Trail:
        return Trail(SystemClock(), Uuid7Ids(), HmacTrailSignature(Keychain.of(secrets_of(settings), AUDIT_SEALS)))

    engine = engine_of(settings)
    blobs = ObstoreBlobs(blob_place(settings))
    try:
        ids = {id_of(secret) for secret in settings.secrets_that_exist()}
        yield Backups(engine, blobs, SystemClock(), ids, trail, version("moothall"))
    finally:
        await engine.dispose()


def open_templates(settings: Settings) -> MailTemplates:
    """What mails look like; no database is needed.

    Raises:
        SettingsError: the language is unknown, or a template of the operator's own is not good.
    """
    try:
        return mail.JinjaTemplates(
            language=settings.mail_language, site_name=settings.site_name, own=settings.mail_templates
        )
    except mail.UnknownLanguage as error:
        raise SettingsError([f"MOOTHALL_MAIL_LANGUAGE: {error}"]) from None
    except ValueError as error:
        raise SettingsError([f"MOOTHALL_MAIL_TEMPLATES: {error}"]) from None


def open_mailer(settings: Settings) -> Mailer:
    """What sends mails: to the mail server, or into files where none is given."""
    return smtp_mailer(settings) or mail.FileMailer(settings.mail_dir, sender=settings.mail_sender)


def memory_mailer() -> mail.MemoryMailer:
    """What keeps mails, for `open_application`."""
    return mail.MemoryMailer()


def blob_place(settings: Settings) -> BlobPlace:
    """A folder in the data directory, unless another place is set.

    Raises:
        SettingsError: the URL is wrong.
    """
    if settings.blob_url is None:
        return BlobPlace(folder=settings.data_dir.absolute() / "blobs")
    try:
        return BlobPlace.of(settings.blob_url.get_secret_value())
    except ValueError as error:
        raise SettingsError([f"MOOTHALL_BLOB_URL: {error}"]) from None


def redis_server(settings: Settings) -> "RedisServer | None":
    """None where none is to be used.

    Raises:
        SettingsError: the URL is wrong.
    """
    if settings.redis_url is None:
        return None
    from adapters.redis_client import RedisServer  # noqa: PLC0415 (its library takes long to import)

    try:
        return RedisServer.of(settings.redis_url.get_secret_value())
    except ValueError as error:
        raise SettingsError([f"MOOTHALL_REDIS_URL: {error}"]) from None


def smtp_mailer(settings: Settings) -> "SmtpMailer | None":
    if settings.smtp_url is None:
        return None
    from adapters.mail.smtp import SmtpMailer, SmtpServer  # noqa: PLC0415 (files do without)

    try:
        server = SmtpServer.of(settings.smtp_url.get_secret_value())
    except ValueError as error:
        raise SettingsError([f"MOOTHALL_SMTP_URL: {error}"]) from None
    return SmtpMailer(server, sender=settings.mail_sender, timeout=settings.smtp_timeout)


def engine_of(settings: Settings) -> AsyncEngine:
    if settings.database_url is None:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(settings.database).touch(mode=0o600)  # whoever made the folder; what lies beside it later is as readable
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


def secrets_of(settings: Settings, *, in_memory: bool = False) -> list[str]:
    """The current one first."""
    current = secrets.token_urlsafe(48) if in_memory and settings.secret_key is None else settings.secret()
    previous = settings.secret_key_previous
    return [current] if previous is None else [current, previous.get_secret_value()]
