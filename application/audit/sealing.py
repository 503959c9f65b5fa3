"""Sealing the trail into a chain of hashes, and verifying it.

Entries are sealed after they were committed, by one sealer at a time: so no change waits for another's place in the
chain. An entry that is not sealed yet is not protected yet.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from application.audit.ports import AuditQueries, SealSignature
from application.audit.views import BrokenLink, Flaw, Verification
from application.unit_of_work import Transactions
from domain.access.actor import Actor
from domain.access.permissions import Permission
from domain.access.policy import Rule, holder, require
from domain.audit.entry import BEGINNING, Seal, SealedEntry, chained
from domain.errors import Invalid

SEAL = Permission("audit:seal", "Seal the entries of the audit trail that are not sealed yet.")
VERIFY = Permission("audit:verify", "Check that nothing in the audit trail was changed or removed.")
SEALER = "audit-sealer"
AT_ONCE = 500
"""Entries that one transaction seals."""
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
        """How many entries were sealed."""
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
        while links := await self.queries.chain(walk.number, AT_ONCE):
            for link in links:
                walk.step(link)
        walk.finish()
        return Verification(
            sealed=walk.sealed,
            unsealed=await self.queries.count_unsealed(),
            head=f"{walk.number}:{walk.digest.hex()}",
            broken=walk.broken,
        )


def _parsed(head: str | None) -> tuple[int, bytes] | None:
    if head is None:
        return None
    number, _, digest = head.partition(":")
    try:
        return int(number), bytes.fromhex(digest)
    except ValueError as error:
        raise Invalid.field("bad-head", "/head", "This is not the head of a chain: NUMBER:DIGEST.") from error


@dataclass
class _Walk:
    """How far the verification has come: the number and the digest of the last link."""

    signature: SealSignature
    expected_head: tuple[int, bytes] | None
    number: int = 0
    digest: bytes = BEGINNING
    sealed: int = 0
    broken: list[BrokenLink] = field(default_factory=list)

    def step(self, link: SealedEntry) -> None:
        """Go on from what was stored, so that one broken link does not break all behind it."""
        seal = link.seal
        for number in range(self.number + 1, min(seal.number, self.number + 1 + MOST_BROKEN)):
            self._found(BrokenLink(number, Flaw.MISSING, None))
        complete = seal.number == self.number + 1
        if complete and chained(self.digest, seal.number, link.entry) != seal.digest:
            self._found(BrokenLink(seal.number, Flaw.TAMPERED, link.entry.id))
        elif self.signature.proves(seal.digest, seal.secret_id, seal.mac) is False:
            self._found(BrokenLink(seal.number, Flaw.FORGED, link.entry.id))
        if self.expected_head is not None and self.expected_head[0] == seal.number != 0:
            if self.expected_head[1] != seal.digest:
                self._found(BrokenLink(seal.number, Flaw.FORGED, link.entry.id))
            self.expected_head = None
        self.number, self.digest, self.sealed = seal.number, seal.digest, self.sealed + 1

    def finish(self) -> None:
        if self.expected_head is not None and self.expected_head[0] > self.number:
            self._found(BrokenLink(self.expected_head[0], Flaw.MISSING, None))

    def _found(self, link: BrokenLink) -> None:
        if len(self.broken) < MOST_BROKEN:
            self.broken.append(link)
