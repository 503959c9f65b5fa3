"""Signing keys within a unit of work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from adapters.sql.tables import signing_keys
from adapters.sql.work import Work
from domain.identity.signing_key import SigningKey, SigningKeyRepository

NEWEST_FIRST = select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid.desc())

_INSERT = insert(signing_keys)
_UPDATE = update(signing_keys).where(signing_keys.c.kid == bindparam("saved_kid"))
_DELETE_EXPIRED = delete(signing_keys).where(signing_keys.c.expires_at <= bindparam("now"))


class SqlSigningKeys(SigningKeyRepository):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, key: SigningKey) -> None:
        await self._work.execute(_INSERT, _columns(key))

    async def save(self, key: SigningKey) -> None:
        await self._work.execute(_UPDATE, {"saved_kid": key.kid, **_columns(key)})

    async def all(self) -> list[SigningKey]:
        return [signing_key(row) for row in await self._work.execute(NEWEST_FIRST)]

    async def remove_expired(self, now: datetime) -> int:
        return (await self._work.execute(_DELETE_EXPIRED, {"now": now})).rowcount


def signing_key(row: Row[Any]) -> SigningKey:
    return SigningKey(
        kid=row.kid,
        algorithm=row.algorithm,
        public_key=row.public_key,
        sealed_private_key=row.sealed_private_key,
        secret_id=row.secret_id,
        created_at=row.created_at,
        retired_at=row.retired_at,
        expires_at=row.expires_at,
    )


def _columns(key: SigningKey) -> dict[str, object]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "public_key": key.public_key,
        "sealed_private_key": key.sealed_private_key,
        "secret_id": key.secret_id,
        "created_at": key.created_at,
        "retired_at": key.retired_at,
        "expires_at": key.expires_at,
    }
