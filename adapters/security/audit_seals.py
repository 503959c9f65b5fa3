"""Signatures under the chain of the audit trail."""

import hmac

from adapters.security.secrets import Keychain
from application.audit.ports import SealSignature


class HmacSealSignature(SealSignature):
    """HMAC-SHA-256 under a subkey of the installation's secret."""

    def __init__(self, keys: Keychain) -> None:
        self._keys = keys

    def sign(self, digest: bytes) -> tuple[str, bytes]:
        current = self._keys.current
        return current.id, hmac.digest(current.key, digest, "sha256")

    def proves(self, digest: bytes, secret_id: str, mac: bytes) -> bool | None:
        subkey = self._keys.by_id.get(secret_id)
        return None if subkey is None else hmac.compare_digest(hmac.digest(subkey.key, digest, "sha256"), mac)
