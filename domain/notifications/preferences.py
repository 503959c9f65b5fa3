"""What members want to be told, and where: here (`in_app`), or by mail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.errors import FieldProblem, Invalid
from domain.notifications.notification import Kind


@dataclass(frozen=True, slots=True)
class Choice:
    in_app: bool
    mail: bool


DEFAULTS: Mapping[Kind, Choice] = {
    Kind.WELCOME: Choice(in_app=True, mail=True),
    Kind.SIGN_IN: Choice(in_app=True, mail=True),
    Kind.ORDER: Choice(in_app=True, mail=True),
    Kind.JOB: Choice(in_app=True, mail=False),
    Kind.MESSAGE: Choice(in_app=True, mail=False),
    Kind.BROADCAST: Choice(in_app=True, mail=False),
}

ALWAYS_ON = frozenset({(Kind.SIGN_IN, "mail"), (Kind.MESSAGE, "in_app")})
"""Whoever came in with a stolen password shall not be able to silence the warning (OWASP ASVS 5.0, 6.3.5); and what an
administrator writes to one member has to arrive somewhere."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one member chose; of every other kind the default holds. `version` counts the changes."""

    user_id: UUID
    chosen: Mapping[Kind, Choice] = field(default_factory=dict)
    version: int = 1

    def of(self, kind: Kind) -> Choice:
        return self.chosen.get(kind, DEFAULTS[kind])

    def changed(self, changes: Mapping[str, Mapping[str, bool]]) -> "Preferences":
        """Those that are named, and no others.

        Raises:
            Invalid: `unknown-kind`, `unknown-channel`, `always-on`.
        """
        chosen = dict(self.chosen)
        for name, channels in changes.items():
            kind = _kind(name)
            for channel, wanted in channels.items():
                if channel not in Choice.__slots__:
                    raise Invalid.field("unknown-channel", f"/{name}/{channel}", "There are in_app and mail.")
                if not wanted and (kind, channel) in ALWAYS_ON:
                    raise Invalid.field("always-on", f"/{name}/{channel}", "This cannot be switched off.")
            now = self.of(kind)
            wanted_now = Choice(channels.get("in_app", now.in_app), channels.get("mail", now.mail))
            if wanted_now != now:
                chosen[kind] = wanted_now
        differ = sum(self.of(kind) != choice for kind, choice in chosen.items())
        return Preferences(self.user_id, chosen, self.version + differ)


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        told = f"There are {', '.join(kind.value for kind in Kind)}."
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        raise Invalid("unknown-kind", told, (FieldProblem(pointer, told),)) from None


class PreferencesRepository(Protocol):
    """Preferences within a unit of work."""

    async def of(self, user_id: UUID) -> Preferences: ...

    async def choose(self, user_id: UUID, kind: Kind, choice: Choice) -> None:
        """Store one choice; the version is one more than before."""
        ...
