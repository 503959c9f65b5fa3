"""What became of an import."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.imports.ports import ImportQueries
from application.imports.rights import RULE
from application.imports.views import ImportView
from domain.access.actor import Actor
from domain.access.policy import Rule, require
from domain.errors import NotFound
from domain.imports.members_import import RejectedRow


@dataclass(frozen=True)
class ShowImport:
    """For as long as its job is kept; the id of the job will do, too."""

    rule: ClassVar[Rule] = RULE

    queries: ImportQueries

    async def __call__(self, actor: Actor, *, import_id: UUID) -> ImportView:
        """Raises NotFound (`import-not-found`)."""
        require(actor, self.rule)
        return await _found(self.queries, import_id)


@dataclass(frozen=True)
class ListRejectedRows:
    """The rows that were refused so far, in the order of the file; read while somebody asks for more."""

    rule: ClassVar[Rule] = RULE

    queries: ImportQueries

    async def __call__(self, actor: Actor, *, import_id: UUID) -> AsyncGenerator[Sequence[RejectedRow], None]:
        """Raises NotFound (`import-not-found`)."""
        require(actor, self.rule)
        return self._rows((await _found(self.queries, import_id)).id)

    async def _rows(self, import_id: UUID) -> AsyncGenerator[Sequence[RejectedRow], None]:
        async with aclosing(self.queries.rejects(import_id)) as pages:
            async for page in pages:
                yield page
        await _found(self.queries, import_id)  # else they only seemed to be all


async def _found(queries: ImportQueries, import_id: UUID) -> ImportView:
    found = await queries.member_import(import_id)
    if found is None:
        raise NotFound("import-not-found", "There is no such import; what is done is forgotten after a week.")
    return found
