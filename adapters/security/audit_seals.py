"""Signatures under the entries of the audit trail, and under its chain."""

import hmac

from adapters.security.secrets import Keychain
from application.audit.ports import TrailSignature


class HmacTrailSignature(TrailSignature):
    """HMAC-SHA-256 under a subkey of the installation's secret."""

    def __init__(self, keys: Keychain) -> None:
        self._keys = keys

    def sign(self, message: bytes) -> tuple[str, bytes]:
        current = self._keys.current
        return current.id, hmac.digest(current.key, message, "sha256")

    def proves(self, message: bytes, secret_id: str, mac: bytes) -> bool | None:
        subkey = self._keys.by_id.get(secret_id)
        return None if subkey is None else hmac.compare_digest(hmac.digest(subkey.key, message, "sha256"), mac)
