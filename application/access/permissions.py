"""The catalogue of all permissions that use cases ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from application.access.views import PermissionView
from domain.access.actor import Actor
from domain.access.permissions import ALL, Permission, covers
from domain.access.policy import SIGNED_IN, Rule, require
from domain.errors import FieldProblem, Invalid

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

    def known(self, patterns: Iterable[str]) -> frozenset[str]:
        """The patterns as a set, once each.

        Raises:
            Invalid: `unknown-permission`, naming those that stand for nothing.
        """
        wanted = list(patterns)
        possible = {ALL, *self.permissions, *(permission.pattern for permission in self.permissions.values())}
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

    async def __call__(self, actor: Actor) -> Sequence[PermissionView]:
        require(actor, self.rule)
        return [
            PermissionView(found.name, found.sentence, covers(actor.permissions, found.name))
            for found in self.catalogue.permissions.values()
        ]
