"""One-time tokens within a unit of work."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from adapters.sql.tables import one_time_tokens, users
from adapters.sql.work import Work
from domain.identity.email import EmailAddress
from domain.identity.one_time_token import OneTimeToken, OneTimeTokens, Purpose

_INSERT = insert(one_time_tokens)
_LOCK = (  # the user first, as everybody locks them
    select(one_time_tokens)
    .select_from(users.join(one_time_tokens))
    .where(one_time_tokens.c.id == bindparam("token_id"))
    .with_for_update()
)
_DELETE = delete(one_time_tokens).where(
    one_time_tokens.c.user_id == bindparam("user_id"),
    one_time_tokens.c.purpose.in_(bindparam("purposes", expanding=True)),
)
_DELETE_EXPIRED = delete(one_time_tokens).where(
    one_time_tokens.c.id.in_(
        select(one_time_tokens.c.id)
        .where(one_time_tokens.c.expires_at <= bindparam("now"))
        .with_for_update(skip_locked=True)  # who holds one is removing it too; waiting could be a deadlock
    )
)


class SqlOneTimeTokens(OneTimeTokens):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def put(self, token: OneTimeToken) -> None:
        await self.remove_all_of(token.user_id, (token.purpose,))
        await self._work.execute(
            _INSERT,
            {
                "id": token.id,
                "user_id": token.user_id,
                "purpose": token.purpose.value,
                "email": token.email.typed,
                "email_key": token.email.key,
                "seed": token.seed,
                "secret_id": token.secret_id,
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "session_id": token.session_id,
            },
        )

    async def get(self, token_id: UUID) -> OneTimeToken | None:
        row = (await self._work.execute(_LOCK, {"token_id": token_id})).one_or_none()
        if row is None:
            return None
        return OneTimeToken(
            id=row.id,
            user_id=row.user_id,
            purpose=Purpose(row.purpose),
            email=EmailAddress(row.email, row.email_key),
            seed=row.seed,
            secret_id=row.secret_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
            session_id=row.session_id,
        )

    async def remove_all_of(self, user_id: UUID, purposes: Collection[Purpose] = tuple(Purpose)) -> int:
        values = {"user_id": user_id, "purposes": [purpose.value for purpose in purposes]}
        return (await self._work.execute(_DELETE, values)).rowcount

    async def remove_expired(self, now: datetime) -> int:
        return (await self._work.execute(_DELETE_EXPIRED, {"now": now})).rowcount
