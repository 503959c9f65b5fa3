"""What entries and seals are signed for: each for itself, so that no signature serves in another's place."""

from dataclasses import replace

from application.audit.ports import TrailSignature
from domain.audit.entry import Entry, Seal, content


def proved(entry: Entry, signature: TrailSignature) -> Entry:
    """The entry with its proof."""
    secret_id, mac = signature.sign(_of_entry(entry))
    return replace(entry, proof=f"{secret_id}:{mac.hex()}")


def is_ours(entry: Entry, signature: TrailSignature) -> bool | None:
    """None where it was signed under a secret that is no longer known."""
    secret_id, _, mac = (entry.proof or "").partition(":")
    try:
        return signature.proves(_of_entry(entry), secret_id, bytes.fromhex(mac)) if secret_id and mac else False
    except ValueError:
        return False


def sealed(number: int, digest: bytes, signature: TrailSignature) -> Seal:
    secret_id, mac = signature.sign(_of_seal(number, digest))
    return Seal(number, digest, secret_id, mac)


def is_our_seal(seal: Seal, signature: TrailSignature) -> bool | None:
    """None where it was signed under a secret that is no longer known."""
    return signature.proves(_of_seal(seal.number, seal.digest), seal.secret_id, seal.mac)


def _of_entry(entry: Entry) -> bytes:
    return b"entry " + content(entry)


def _of_seal(number: int, digest: bytes) -> bytes:
    return f"seal {number} ".encode() + digest
