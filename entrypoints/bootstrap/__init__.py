"""The composition root: the only modules that know adapters, and the only ones that use the container."""

from entrypoints.bootstrap.application import AUDIENCE, open_application
from entrypoints.bootstrap.examining import examine_blobs, examine_mail, examine_redis
from entrypoints.bootstrap.parts import (
    blob_place,
    memory_mailer,
    open_backups,
    open_mailer,
    open_schema,
    open_templates,
    redis_server,
)

__all__ = [
    "AUDIENCE",
    "blob_place",
    "examine_blobs",
    "examine_mail",
    "examine_redis",
    "memory_mailer",
    "open_application",
    "open_backups",
    "open_mailer",
    "open_schema",
    "open_templates",
    "redis_server",
]
