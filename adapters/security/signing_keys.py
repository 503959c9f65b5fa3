"""Ed25519 key pairs (RFC 8037), their private halves sealed with AES-256-GCM under the installation's secret."""

import base64
import hashlib
import secrets
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.security.secrets import Keychain
from application.identity.ports import KeyFactory
from domain.identity.signing_key import SigningKey

ALGORITHM = "EdDSA"
_NONCE_BYTES = 12


class Ed25519KeyFactory(KeyFactory):
    def __init__(self, seals: Keychain) -> None:
        self._seals = seals

    def make(self, now: datetime) -> SigningKey:
        private = Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        kid = _thumbprint(public)
        seal = self._seals.current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return SigningKey(
            kid=kid,
            algorithm=ALGORITHM,
            public_key=public,
            sealed_private_key=nonce + AESGCM(seal.key).encrypt(nonce, private.private_bytes_raw(), kid.encode()),
            secret_id=seal.id,
            created_at=now,
        )

    def opens(self, key: SigningKey) -> bool:
        return self.private_key(key) is not None

    def private_key(self, key: SigningKey) -> Ed25519PrivateKey | None:
        """None where the secret that sealed it is not configured any more."""
        seal = self._seals.by_id.get(key.secret_id)
        if seal is None:
            return None
        nonce, sealed = key.sealed_private_key[:_NONCE_BYTES], key.sealed_private_key[_NONCE_BYTES:]
        try:
            return Ed25519PrivateKey.from_private_bytes(AESGCM(seal.key).decrypt(nonce, sealed, key.kid.encode()))
        except InvalidTag:
            return None

    def as_jwk(self, key: SigningKey) -> dict[str, str]:
        return _jwk(key.public_key) | {"kid": key.kid, "alg": key.algorithm, "use": "sig"}


def _jwk(public_key: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_key)}


def _thumbprint(public_key: bytes) -> str:
    """The JWK's thumbprint (RFC 7638): the same key has the same name wherever it is seen."""
    jwk = _jwk(public_key)
    text = f'{{"crv":"{jwk["crv"]}","kty":"{jwk["kty"]}","x":"{jwk["x"]}"}}'
    return _base64url(hashlib.sha256(text.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
