"""Opaque tokens: they prove themselves by an HMAC, and are stored nowhere."""

import base64
import binascii
import hmac
import secrets
from uuid import UUID

from adapters.security.secrets import Keychain
from application.identity.ports import DeviceTokens, LinkTokens, RefreshClaims, RefreshTokens
from domain.identity.one_time_token import OneTimeToken
from domain.identity.session import Session

_FORMAT = b"\x01"
_COUNTER_BYTES = 5
_MAC_BYTES = 32
_REFRESH_BYTES = 1 + 16 + _COUNTER_BYTES + _MAC_BYTES
_LINK_BYTES = 16 + _MAC_BYTES
_DEVICE_ID_BYTES = 16


class _Derived:
    """What is common to the tokens that are derived from a seed in the store under a key that is not there."""

    def __init__(self, keys: Keychain) -> None:
        self._keys = keys

    @property
    def secret_id(self) -> str:
        return self._keys.current.id

    def new_seed(self) -> bytes:
        return secrets.token_bytes(32)

    def _text(self, secret_id: str, seed: bytes, body: bytes) -> str | None:
        """base64url of the body and the HMAC-SHA-256 over seed and body; None where the key is not known."""
        subkey = self._keys.by_id.get(secret_id)
        if subkey is None:
            return None
        return base64.urlsafe_b64encode(body + hmac.digest(subkey.key, seed + body, "sha256")).decode()


class HmacRefreshTokens(_Derived, RefreshTokens):
    """72 characters: base64url of format (1 byte), session (16), counter (5, big-endian) and HMAC-SHA-256 (32).

    The HMAC covers the session's random seed, its id and the counter, under a key derived from the installation's
    secret: neither the database nor the secret alone is enough to make one.
    """

    def mint(self, session: Session, counter: int) -> str | None:
        body = _FORMAT + session.id.bytes + counter.to_bytes(_COUNTER_BYTES, "big")
        return self._text(session.secret_id, session.seed, body)

    def proves(self, token: str, session: Session, counter: int) -> bool:
        return _same(self.mint(session, counter), token)

    def read(self, token: str) -> RefreshClaims | None:
        raw = _decoded(token)
        if raw is None or len(raw) != _REFRESH_BYTES or raw[:1] != _FORMAT:
            return None
        return RefreshClaims(UUID(bytes=raw[1:17]), int.from_bytes(raw[17 : 17 + _COUNTER_BYTES], "big"))


class HmacLinkTokens(_Derived, LinkTokens):
    """64 characters: base64url of the id (16 bytes) and HMAC-SHA-256 (32).

    The HMAC covers the token's random seed, its id and its purpose, under a key derived from the installation's secret.
    """

    def mint(self, token: OneTimeToken) -> str | None:
        return self._text(token.secret_id, token.seed + token.purpose.value.encode(), token.id.bytes)

    def proves(self, text: str, token: OneTimeToken) -> bool:
        return _same(self.mint(token), text)

    def read(self, text: str) -> UUID | None:
        raw = _decoded(text)
        return UUID(bytes=raw[:16]) if raw is not None and len(raw) == _LINK_BYTES else None


class HmacDeviceTokens(DeviceTokens):
    """64 characters: base64url of a random device id (16 bytes) and an HMAC-SHA-256 (32) over it and the user's id."""

    def __init__(self, keys: Keychain) -> None:
        self._keys = keys

    def issue(self, user_id: UUID) -> str:
        device = secrets.token_bytes(_DEVICE_ID_BYTES)
        return base64.urlsafe_b64encode(device + self._mac(self._keys.current.key, device, user_id)).decode()

    def recognises(self, token: str, user_id: UUID) -> bool:
        raw = _decoded(token)
        if raw is None or len(raw) != _DEVICE_ID_BYTES + _MAC_BYTES:
            return False
        device, mac = raw[:_DEVICE_ID_BYTES], raw[_DEVICE_ID_BYTES:]
        keys = self._keys.by_id.values()
        return any(hmac.compare_digest(mac, self._mac(subkey.key, device, user_id)) for subkey in keys)

    @staticmethod
    def _mac(key: bytes, device: bytes, user_id: UUID) -> bytes:
        return hmac.digest(key, device + user_id.bytes, "sha256")


def _same(minted: str | None, given: str) -> bool:
    return minted is not None and hmac.compare_digest(minted.encode(), given.encode("utf-8", "surrogatepass"))


def _decoded(token: str) -> bytes | None:
    """The bytes of a text that is base64url to the letter: Python's decoder alone skips what does not belong."""
    try:
        raw = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.urlsafe_b64encode(raw).decode() == token else None
