"""One writer at a time; what it changed becomes visible at once, at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.audit import MemoryAuditTrail
from adapters.memory.database import Changes, MemoryDatabase
from adapters.memory.idempotency import MemoryKeptAnswers
from adapters.memory.roles import MemoryRoles
from adapters.memory.sessions import MemorySessions
from adapters.memory.signing_keys import MemorySigningKeys
from adapters.memory.users import MemoryUsers
from application.unit_of_work import Transactions, UnitOfWork


class MemoryUnitOfWork(UnitOfWork):
    __slots__ = ("api_keys", "audit", "idempotency", "roles", "sessions", "signing_keys", "users")

    users: MemoryUsers
    sessions: MemorySessions
    signing_keys: MemorySigningKeys
    roles: MemoryRoles
    api_keys: MemoryApiKeys
    audit: MemoryAuditTrail
    idempotency: MemoryKeptAnswers

    def __init__(self, changes: Changes) -> None:
        self.users = MemoryUsers(changes)
        self.sessions = MemorySessions(changes)
        self.signing_keys = MemorySigningKeys(changes)
        self.roles = MemoryRoles(changes)
        self.api_keys = MemoryApiKeys(changes)
        self.audit = MemoryAuditTrail(changes)
        self.idempotency = MemoryKeptAnswers(changes)

    async def serialise(self, name: str) -> None:
        """There is one writer at a time anyway."""


class MemoryTransactions(Transactions):
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._database.writer:
            changes = Changes(self._database)
            yield MemoryUnitOfWork(changes)
            changes.commit()
