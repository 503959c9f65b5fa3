"""One secret, many keys: subkeys for each purpose, named by an id, so that the secret itself can change.

HKDF-SHA-256 (RFC 5869). What was made under the previous secret stays readable while that one is configured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PASSWORD_PEPPER = b"moothall/password-pepper/v1"
REFRESH_TOKENS = b"moothall/refresh-tokens/v1"
LINK_TOKENS = b"moothall/link-tokens/v1"
DEVICE_TOKENS = b"moothall/device-tokens/v1"
AUDIT_SEALS = b"moothall/audit-seals/v1"
SIGNING_KEY_SEAL = b"moothall/signing-key-seal/v1"
PAYMENT_CALLBACKS = b"moothall/payment-callbacks/v1"
WEBHOOK_SECRETS = b"moothall/webhook-secrets/v1"


@dataclass(frozen=True, slots=True)
class Subkey:
    """32 bytes of key, and the id (of the secret that it came from) by which things made with it name it."""

    id: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Keychain:
    """The subkeys of one purpose: the current one makes, all of them read."""

    current: Subkey
    by_id: dict[str, Subkey]

    @classmethod
    def of(cls, secrets: Sequence[str], purpose: bytes) -> "Keychain":
        """From the secrets, the current one first."""
        subkeys = [Subkey(id_of(secret), _derive(secret, purpose, 32)) for secret in secrets]
        return cls(subkeys[0], {subkey.id: subkey for subkey in reversed(subkeys)})


def id_of(secret: str) -> str:
    """By which things name the secret that they were made under. It tells nothing of the secret."""
    return _derive(secret, b"moothall/id", 4).hex()


def _derive(secret: str, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=info).derive(secret.encode())
