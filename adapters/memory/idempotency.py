"""Kept answers."""

from datetime import datetime

from adapters.memory.database import Changes, MemoryDatabase
from application.idempotency import IdempotencyQueries
from domain.errors import Conflict
from domain.idempotency import KeptAnswer, KeptAnswers


class MemoryKeptAnswers(KeptAnswers):
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def keep(self, answer: KeptAnswer, *, instead_of_before: datetime) -> None:
        place = answer.caller, answer.key
        kept = self._changes.kept_answers.get(place)
        if kept is not None and kept.created_at > instead_of_before:
            raise self._changes.spoil(Conflict("request-running", "This request was made twice at once; try again."))
        self._changes.kept_answers.put(place, answer)

    async def remove_all_of(self, caller: str) -> None:
        for place, _ in self._changes.kept_answers.items():
            if place[0] == caller:
                self._changes.kept_answers.remove(place)

    async def remove_before(self, time: datetime) -> int:
        old = [place for place, kept in self._changes.kept_answers.items() if kept.created_at <= time]
        return sum([self._changes.kept_answers.remove(place) for place in old])


class MemoryIdempotencyQueries(IdempotencyQueries):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def kept_answer(self, caller: str, key: str) -> KeptAnswer | None:
        return self._database.kept_answers.get((caller, key))
