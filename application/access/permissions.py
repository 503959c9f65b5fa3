"""The catalogue of all permissions that use cases ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.access.views import PermissionView
from application.paging import Page, PageRequest, Position, Row, Sort
from domain.access.actor import Actor
from domain.access.permissions import ALL, Permission, covers
from domain.access.policy import SIGNED_IN, Rule, require
from domain.errors import FieldProblem, Invalid

BY_NAME = Sort("name", descending=False)
NO_ID = UUID(int=0)
"""Names are enough to tell permissions apart."""
LONGEST_SHOWN, MOST_SHOWN = 100, 20
"""Of what is wrong with a request, in its answer."""


@dataclass(frozen=True)
class PermissionCatalogue:
    """What there is to be allowed, as the use cases declare it (`app.py` collects it)."""

    permissions: Mapping[str, Permission]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "PermissionCatalogue":
        found = {permission for rule in rules for permission in rule.permissions}
        return cls({permission.name: permission for permission in sorted(found)})

    @property
    def patterns(self) -> frozenset[str]:
        """All that stand for something."""
        return frozenset({ALL, *self.permissions, *(found.pattern for found in self.permissions.values())})

    def covered_by(self, granted: frozenset[str]) -> frozenset[str]:
        """All that these allow."""
        return granted | {pattern for pattern in self.patterns if covers(granted, pattern)}

    def known(self, patterns: Iterable[str]) -> frozenset[str]:
        """The patterns as a set, once each.

        Raises:
            Invalid: `unknown-permission`, naming those that stand for nothing.
        """
        wanted = list(patterns)
        possible = self.patterns
        problems = [
            FieldProblem(f"/permissions/{place}", f"There is no permission {pattern[:LONGEST_SHOWN]!r}.")
            for place, pattern in enumerate(wanted)
            if pattern not in possible
        ]
        if problems:
            raise Invalid("unknown-permission", problems[0].detail, problems[:MOST_SHOWN])
        return frozenset(wanted)


@dataclass(frozen=True)
class ListPermissions:
    """By name. A role may also hold `resource:*` or `*`."""

    rule: ClassVar[Rule] = SIGNED_IN

    catalogue: PermissionCatalogue

    async def __call__(self, actor: Actor, *, page: PageRequest = PageRequest()) -> Page[PermissionView]:
        require(actor, self.rule)
        rows = [
            Row(Position(name, NO_ID), PermissionView(name, found.sentence, covers(actor.permissions, name)))
            for name, found in self.catalogue.permissions.items()
        ]
        after = page.after(BY_NAME)
        chosen = rows[page.offset :] if after is None else [row for row in rows if row.value.name > str(after.value)]
        return Page.of(chosen[: page.size + 1], page, BY_NAME, len(rows) if page.counts else None)
