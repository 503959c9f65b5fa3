"""Kept answers."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from adapters.sql.reading import Reader
from adapters.sql.tables import kept_answers
from adapters.sql.work import Work
from application.idempotency import IdempotencyQueries
from domain.idempotency import KeptAnswer, KeptAnswers

_place = kept_answers.c.caller == bindparam("whose"), kept_answers.c.key == bindparam("which")
_FIND = select(kept_answers).where(*_place)
_INSERT = insert(kept_answers)
_DELETE_OLD_ONE = delete(kept_answers).where(*_place, kept_answers.c.created_at <= bindparam("time"))
_DELETE_ALL_OF = delete(kept_answers).where(kept_answers.c.caller == bindparam("whose"))
_DELETE_OLD = delete(kept_answers).where(kept_answers.c.created_at <= bindparam("time"))


class SqlKeptAnswers(KeptAnswers):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def keep(self, answer: KeptAnswer, *, instead_of_before: datetime) -> None:
        place = {"whose": answer.caller, "which": answer.key}
        await self._work.execute(_DELETE_OLD_ONE, {**place, "time": instead_of_before})
        await self._work.execute(
            _INSERT,
            {
                "caller": answer.caller,
                "key": answer.key,
                "fingerprint": answer.fingerprint,
                "answer": answer.answer,
                "created_at": answer.created_at,
            },
        )

    async def remove_all_of(self, caller: str) -> None:
        await self._work.execute(_DELETE_ALL_OF, {"whose": caller})

    async def remove_before(self, time: datetime) -> int:
        return (await self._work.execute(_DELETE_OLD, {"time": time})).rowcount


class SqlIdempotencyQueries(IdempotencyQueries):
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def kept_answer(self, caller: str, key: str) -> KeptAnswer | None:
        rows = await self._reader.look_up(_FIND, {"whose": caller, "which": key})
        if not rows:
            return None
        row = rows[0]
        return KeptAnswer(row.caller, row.key, row.fingerprint, row.answer, row.created_at)
