"""Entries of the audit trail, and the chain of hashes that seals them.

An entry holds ids, names of fields and addresses, never what is in the fields.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.access.actor import Actor

BEGINNING = bytes(32)
"""What stands before the first entry of the chain."""

_NOT_WORTH_NAMING = {"updated_at", "version"}
_HASH = "password_hash"
_CALLED = {_HASH: "password"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change.

    `actor` is whose doing it was (`Actor.name`), with which API key and in whose place. `action` is
    `thing.what-happened`. `subject` is whom or what it happened to: a user's id, a role's name, a signing key's id;
    `item` is which of the subject's things: a session's id, an API key's. `fields` names what changed; what was added
    to or taken from a set is named itself, behind a + or a -. `proof` shows that it was us who wrote it: the id of a
    secret, and a MAC over everything else.
    """

    id: UUID
    at: datetime
    action: str
    actor: str
    api_key_id: UUID | None
    impersonating: UUID | None
    subject: str | None
    item: str | None
    fields: tuple[str, ...]
    address: str | None
    request_id: str | None
    proof: str | None = None

    @classmethod
    def of(
        cls,
        actor: Actor,
        action: str,
        *,
        id: UUID,
        at: datetime,
        subject: UUID | str | None = None,
        item: UUID | None = None,
        fields: Iterable[str] = (),
    ) -> "Entry":
        return cls(
            id=id,
            at=at,
            action=action,
            actor=actor.name,
            api_key_id=actor.api_key_id,
            impersonating=actor.user_id if actor.impersonator_id is not None else None,
            subject=None if subject is None else str(subject),
            item=None if item is None else str(item),
            fields=tuple(fields),
            address=actor.origin.address,
            request_id=actor.origin.request_id,
        )


def added(patterns: Iterable[str]) -> tuple[str, ...]:
    """All of a set that was empty before, as `Entry.fields` names it."""
    return tuple(f"+{pattern}" for pattern in sorted(patterns))


def taken(patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"-{pattern}" for pattern in sorted(patterns))


def changed_fields(before: Any, after: Any) -> tuple[str, ...]:
    """The names of the fields in which two states of a thing differ; sets by what was added and taken, and what is true
    or false by a sign."""
    names: list[str] = []
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new or field.name in _NOT_WORTH_NAMING:
            continue
        if isinstance(old, frozenset):
            names += [*added(new - old), *taken(old - new)]
        elif isinstance(old, bool):
            names.append(f"{'+' if new else '-'}{field.name}")
        else:
            names.append(_CALLED.get(field.name, field.name))
    return tuple(names)


@dataclass(frozen=True, slots=True)
class Seal:
    """An entry's place in the chain: `number` counts from 1 without a gap, `digest` is `chained` to the one before.

    `mac` proves under the installation's secret (`secret_id` names it) that it was us who sealed at this place.
    """

    number: int
    digest: bytes
    secret_id: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class SealedEntry:
    entry: Entry
    seal: Seal


def chained(previous: bytes, number: int, entry: Entry) -> bytes:
    """SHA-256 over the digest before, the number, and every field of the entry."""
    place = json.dumps([number, entry.proof]).encode()
    return hashlib.sha256(previous + place + content(entry)).digest()


def content(entry: Entry) -> bytes:
    """Every field but the proof, in one unambiguous way."""
    values = [
        entry.id.hex,
        entry.at.astimezone(UTC).isoformat(),
        entry.action,
        entry.actor,
        entry.api_key_id.hex if entry.api_key_id else None,
        entry.impersonating.hex if entry.impersonating else None,
        entry.subject,
        entry.item,
        entry.fields,
        entry.address,
        entry.request_id,
    ]
    return json.dumps(values, separators=(",", ":")).encode()


class AuditTrail(Protocol):
    """The trail within a unit of work. It grows, and is sealed; nothing in it can be changed or removed."""

    async def add(self, entry: Entry) -> None: ...

    async def unsealed(self, limit: int, *, after: UUID | None = None) -> Sequence[Entry]:
        """Some that are not in the chain yet, by id, behind that one: so the oldest first."""
        ...

    async def last_seal(self) -> Seal | None: ...

    async def seal(self, seals: Mapping[UUID, Seal]) -> None:
        """By the ids of the entries; what is sealed already stays as it is."""
        ...
