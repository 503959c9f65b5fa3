"""Sealing the trail into a chain of hashes, and verifying it.

Entries are sealed after they were committed, by one sealer at a time: so no change waits for another's place in the
chain. An entry that is not sealed yet is not protected yet.
"""

import re
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from application.audit.ports import AuditQueries, SealSignature
from application.audit.views import BrokenLink, Flaw, Verification
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.audit.entry import BEGINNING, Seal, SealedEntry, chained
from domain.errors import Conflict, Invalid

SEAL = Permission("audit:seal", "Seal the entries of the audit trail that are not sealed yet.")
VERIFY = Permission("audit:verify", "Check that nothing in the audit trail was changed or removed.")
SEALER = "audit-sealer"
AT_ONCE = 500
"""Entries that one transaction seals."""
HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
BELOW_ALL = -(2**62)
"""Numbers begin at 1; who forges one may not know."""
MOST_BROKEN = 1_000
"""Flaws that one verification tells."""


@dataclass(frozen=True)
class SealAudit:
    """Everything that was committed when it began, and perhaps more."""

    rule: ClassVar[Rule] = holder(SEAL)

    transactions: Transactions
    queries: AuditQueries
    signature: SealSignature

    async def __call__(self, actor: Actor) -> int:
        """How many entries were sealed.

        Raises Conflict (`audit-chain-forged`): the next seal would vouch for what the forger made of the trail.
        """
        require(actor, self.rule)
        if not await self.queries.count_unsealed():
            return 0
        sealed = 0
        while more := await self._seal_some():
            sealed += more
        return sealed

    async def _seal_some(self) -> int:
        async with self.transactions.begin() as uow:
            await uow.serialise(SEALER)
            last = await uow.audit.last_seal()
            if last is not None and self.signature.proves(last.digest, last.secret_id, last.mac) is False:
                raise Conflict("audit-chain-forged", "The last seal of the audit trail is forged; see audit verify.")
            number, digest = (last.number, last.digest) if last else (0, BEGINNING)
            seals = {}
            for entry in await uow.audit.unsealed(AT_ONCE):
                number += 1
                digest = chained(digest, number, entry)
                secret_id, mac = self.signature.sign(digest)
                seals[entry.id] = Seal(number, digest, secret_id, mac)
            if seals:
                await uow.audit.seal(seals)
        return len(seals)


@dataclass(frozen=True)
class VerifyAudit:
    """Walk the whole chain, from its first entry to its last."""

    rule: ClassVar[Rule] = holder(VERIFY)

    queries: AuditQueries
    signature: SealSignature

    async def __call__(self, actor: Actor, *, head: str | None = None) -> Verification:
        """`head` is what an earlier verification told: the chain has to go through it.

        Raises Invalid (`bad-head`).
        """
        require(actor, self.rule)
        walk = _Walk(self.signature, _parsed(head))
        after = BELOW_ALL
        while links := await self.queries.chain(after, AT_ONCE):
            for link in links:
                walk.step(link)
            after = links[-1].seal.number
        walk.finish()
        return Verification(
            sealed=walk.sealed,
            unsealed=await self.queries.count_unsealed(),
            unproven=walk.unproven,
            head=f"{walk.number}:{walk.digest.hex()}",
            broken=walk.broken,
        )


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

    signature: SealSignature
    head: tuple[int, bytes] | None
    number: int = 0
    digest: bytes = BEGINNING
    sealed: int = 0
    unproven: int = 0
    broken: list[BrokenLink] = field(default_factory=list)

    def step(self, link: SealedEntry) -> None:
        """Go on from what was stored, so that one broken link does not break all behind it."""
        seal, entry_id = link.seal, link.entry.id
        if seal.number < 1:
            self._found(seal.number, Flaw.FORGED, entry_id)
            return
        follows = seal.number == self.number + 1
        for number in range(self.number + 1, min(seal.number, self.number + 1 + MOST_BROKEN)):
            self._found(number, Flaw.MISSING)
        proved = self.signature.proves(seal.digest, seal.secret_id, seal.mac)
        if follows and chained(self.digest, seal.number, link.entry) != seal.digest:
            self._found(seal.number, Flaw.TAMPERED, entry_id)
        elif proved is False:
            self._found(seal.number, Flaw.FORGED, entry_id)
        elif not follows:
            self._found(seal.number, Flaw.UNCHECKED, entry_id)
        self.unproven += proved is None
        self.number, self.digest, self.sealed = seal.number, seal.digest, self.sealed + 1
        if self.head is not None and self.head[0] == self.number:
            self._at_head(entry_id)

    def finish(self) -> None:
        if self.head is not None and self.head[0] > self.number:
            self._found(self.head[0], Flaw.MISSING)

    def _at_head(self, entry_id: UUID) -> None:
        """Who noted the head vouches for everything up to it."""
        if self.head != (self.number, self.digest):
            self._found(self.number, Flaw.FORGED, entry_id)
        else:
            self.unproven = 0

    def _found(self, number: int, flaw: Flaw, entry_id: UUID | None = None) -> None:
        if len(self.broken) < MOST_BROKEN:
            self.broken.append(BrokenLink(number, flaw, entry_id))
