"""Sealing the trail into a chain of hashes, and verifying it.

Entries are signed when they are written, and sealed after they were committed, by one sealer at a time: so no change
waits for another's place in the chain. Until it is sealed, an entry can be removed without a trace, but not changed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from application.audit.ports import AuditQueries, TrailSignature
from application.audit.proofs import is_our_seal, is_ours, sealed
from application.audit.views import BrokenLink, Flaw, Sealed, Verification
from application.unit_of_work import Transactions, UnitOfWork
from domain.access.actor import Actor
from domain.access.policy import OPERATOR, Rule, require
from domain.audit.entry import BEGINNING, Entry, Seal, SealedEntry, chained
from domain.errors import Conflict, Invalid

SEALER = "audit-sealer"
AT_ONCE = 500
"""Entries that one transaction seals."""
HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
MOST_BROKEN = 1_000
"""Flaws that one verification tells."""


@dataclass(frozen=True)
class SealAudit:
    """Everything of ours that was committed when it began, and perhaps more. What somebody else wrote into the trail is
    left out: a seal would vouch for it."""

    rule: ClassVar[Rule] = OPERATOR

    transactions: Transactions
    queries: AuditQueries
    signature: TrailSignature

    async def __call__(self, actor: Actor) -> Sealed:
        """Raises Conflict (`audit-chain-forged`): the next seal would vouch for what the forger made of the trail."""
        require(actor, self.rule)
        if not await self.queries.count_unsealed():
            return Sealed(0, None)
        count, head, after = 0, None, None
        while True:
            async with self.transactions.begin() as uow:
                await uow.serialise(SEALER)
                entries = await uow.audit.unsealed(AT_ONCE, after=after)
                seals = await self._seals(uow, [entry for entry in entries if is_ours(entry, self.signature)])
                await uow.audit.seal(seals)
            for seal in seals.values():
                count, head = count + 1, told(seal.number, seal.digest)
            if len(entries) < AT_ONCE:
                return Sealed(count, head)
            after = entries[-1].id

    async def _seals(self, uow: UnitOfWork, entries: Sequence[Entry]) -> dict[UUID, Seal]:
        last = await uow.audit.last_seal()
        if last is not None and is_our_seal(last, self.signature) is False:
            raise Conflict("audit-chain-forged", "The last seal of the audit trail is forged: moothall audit verify")
        number, digest = (last.number, last.digest) if last else (0, BEGINNING)
        seals = {}
        for entry in entries:
            number += 1
            digest = chained(digest, number, entry)
            seals[entry.id] = sealed(number, digest, self.signature)
        return seals


@dataclass(frozen=True)
class VerifyAudit:
    """Walk the whole chain, from its first entry to its last, and look at what is not sealed yet."""

    rule: ClassVar[Rule] = OPERATOR

    queries: AuditQueries
    signature: TrailSignature

    async def __call__(self, actor: Actor, *, head: str | None = None) -> Verification:
        """`head` is what an earlier verification told: the chain has to go through it.

        Raises Invalid (`bad-head`).
        """
        require(actor, self.rule)
        walk = _Walk(self.signature, _parsed(head))
        after = 0
        while links := await self.queries.chain(after, AT_ONCE):
            for link in links:
                walk.step(link)
            if len(links) < AT_ONCE or walk.number <= after:
                break
            after = walk.number
        walk.finish(await self.queries.count_sealed(walk.number))
        unsealed, last = 0, None
        while entries := await self.queries.unsealed(AT_ONCE, after=last):
            for entry in entries:
                walk.look_at(entry)
            unsealed, last = unsealed + len(entries), entries[-1].id
        return Verification(
            sealed=walk.sealed,
            unsealed=unsealed,
            unproven=walk.unproven,
            head=told(walk.number, walk.digest),
            broken=walk.broken,
        )


def told(number: int, digest: bytes) -> str:
    """A head as people and logs keep it."""
    return f"{number}:{digest.hex()}"


def _parsed(head: str | None) -> tuple[int, bytes] | None:
    if head is None:
        return None
    parts = HEAD.fullmatch(head)
    if parts is None:
        raise Invalid.field("bad-head", "/head", "This is not the head of a chain: NUMBER:DIGEST.")
    number, digest = int(parts[1]), bytes.fromhex(parts[2])
    if number == 0 and digest != BEGINNING:
        raise Invalid.field("bad-head", "/head", "No chain begins like this.")
    return number, digest


@dataclass
class _Walk:
    """How far the verification has come: the number and the digest of the last link."""

    signature: TrailSignature
    head: tuple[int, bytes] | None
    number: int = 0
    digest: bytes = BEGINNING
    sealed: int = 0
    unproven: int = 0
    broken: list[BrokenLink] = field(default_factory=list)

    def step(self, link: SealedEntry) -> None:
        """Go on from what was stored, so that one broken link does not break all behind it."""
        seal, entry_id = link.seal, link.entry.id
        if seal.number <= self.number:
            self._found(seal.number, Flaw.FORGED, entry_id)
            return
        follows = seal.number == self.number + 1
        for number in range(self.number + 1, min(seal.number, self.number + 1 + MOST_BROKEN)):
            self._found(number, Flaw.MISSING)
        proofs = is_our_seal(seal, self.signature), is_ours(link.entry, self.signature)
        if follows and chained(self.digest, seal.number, link.entry) != seal.digest:
            self._found(seal.number, Flaw.TAMPERED, entry_id)
        elif False in proofs:
            self._found(seal.number, Flaw.FORGED, entry_id)
        elif not follows:
            self._found(seal.number, Flaw.UNCHECKED, entry_id)
        self.unproven += None in proofs
        self.number, self.digest, self.sealed = seal.number, seal.digest, self.sealed + 1
        if self.head is not None and self.head[0] == self.number:
            self._at_head(entry_id)

    def finish(self, claiming: int) -> None:
        """`claiming` entries have numbers up to the last one."""
        if self.head is not None and self.head[0] > self.number:
            self._found(self.head[0], Flaw.MISSING)
        if claiming > self.sealed:
            self._found(self.number, Flaw.SURPLUS)

    def look_at(self, unsealed: Entry) -> None:
        proof = is_ours(unsealed, self.signature)
        if proof is False:
            self._found(None, Flaw.FORGED, unsealed.id)
        self.unproven += proof is None

    def _at_head(self, entry_id: UUID) -> None:
        """Who noted the head vouches for everything up to it."""
        if self.head != (self.number, self.digest):
            self._found(self.number, Flaw.FORGED, entry_id)
        else:
            self.unproven = 0

    def _found(self, number: int | None, flaw: Flaw, entry_id: UUID | None = None) -> None:
        if len(self.broken) < MOST_BROKEN:
            self.broken.append(BrokenLink(number, flaw, entry_id))
