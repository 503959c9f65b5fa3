"""Access tokens as JWTs (RFC 9068), signed with EdDSA by the newest key, verified by any that is published."""

import asyncio
import base64
import hashlib
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.security.signing_keys import ALGORITHM, Ed25519KeyFactory
from application.identity.ports import AccessClaims, AccessTokens, IdentityQueries
from domain.errors import Unavailable
from domain.identity.signing_key import SigningKey

TYPE = "at+jwt"
LONGEST_TOKEN = 2048
_KEYS_KNOWN_FOR = 30.0
_VERIFIED_AT_MOST = 10_000
_HEADER_FIELDS = {"alg", "kid", "typ"}
_CLAIMS = ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys as they were read at `read_at` (seconds of the monotonic clock)."""

    read_at: float
    signing: tuple[str, Ed25519PrivateKey] | None
    verifying: dict[str, tuple[SigningKey, Ed25519PublicKey]]


class JwtAccessTokens(AccessTokens):
    """Keys are read from the store at most every 30 s, and when a token names one that is not known.

    A token's signature is verified once; later it is found again by its digest.
    """

    def __init__(
        self, queries: IdentityQueries, factory: Ed25519KeyFactory, *, issuer: str, audience: str, lifetime: timedelta
    ) -> None:
        self._queries = queries
        self._factory = factory
        self._issuer = issuer
        self._audience = audience
        self._lifetime = lifetime
        self._keys = _Keys(float("-inf"), None, {})
        self._reading = asyncio.Lock()
        self._verified: LRUCache[bytes, AccessClaims] = LRUCache(_VERIFIED_AT_MOST)

    async def issue(
        self,
        *,
        user_id: uuid.UUID,
        session_id: uuid.UUID,
        now: datetime,
        lifetime: timedelta | None = None,
        impersonator_id: uuid.UUID | None = None,
        scope: str | None = None,
    ) -> str:
        keys = await self._current()
        if keys.signing is None:
            keys = await self._fresher(keys)
        if keys.signing is None:
            raise Unavailable("no-signing-key", "There is no key to sign tokens with; see: moothall doctor")
        kid, private_key = keys.signing
        issued_at = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "client_id": self._audience,
            "sid": str(session_id),
            "jti": str(uuid.uuid4()),
            "iat": issued_at,
            "exp": issued_at + int((lifetime or self._lifetime).total_seconds()),
        }
        if impersonator_id is not None:
            claims["act"] = {"sub": str(impersonator_id)}
        if scope:
            claims["scope"] = scope
        return jwt.encode(claims, private_key, ALGORITHM, headers={"kid": kid, "typ": TYPE})

    async def read(self, token: str, now: datetime) -> AccessClaims | None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = await self._verify(token, now)
            if claims is None:
                return None
            self._verified[digest] = claims
        return claims if now < claims.expires_at else None

    async def _verify(self, token: str, now: datetime) -> AccessClaims | None:
        """Everything but the token's own expiry, which depends on when it is asked."""
        if len(token) > LONGEST_TOKEN or not _is_canonical(token):
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.keys() != _HEADER_FIELDS or header["alg"] != ALGORITHM or header["typ"] != TYPE:
                return None
            public_key = await self._public_key(header["kid"], now)
            if public_key is None:
                return None
            claims = jwt.decode(
                token,
                public_key,
                [ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            return AccessClaims(
                user_id=uuid.UUID(claims["sub"]),
                session_id=uuid.UUID(claims["sid"]),
                token_id=claims["jti"],
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return None

    async def _public_key(self, kid: str, now: datetime) -> Ed25519PublicKey | None:
        keys = await self._current()
        for _ in range(2):  # the first may have been on its way to us already when the key was made
            if kid in keys.verifying:
                break
            keys = await self._fresher(keys)
        key, public_key = keys.verifying.get(kid, (None, None))
        return public_key if key is not None and key.verifies(now) else None

    async def _current(self) -> _Keys:
        keys = self._keys
        return keys if time.monotonic() - keys.read_at < _KEYS_KNOWN_FOR else await self._fresher(keys)

    async def _fresher(self, than: _Keys) -> _Keys:
        """The keys as they were read after `than`; of many who ask at once, one reads."""
        async with self._reading:
            if self._keys is than:
                self._keys = await self._read_keys()
            return self._keys

    async def _read_keys(self) -> _Keys:
        stored = await self._queries.signing_keys()
        signing = None
        for key in stored:
            private_key = self._factory.private_key(key) if key.retired_at is None else None
            if private_key is not None:
                signing = key.kid, private_key
                break
        verifying = {key.kid: (key, Ed25519PublicKey.from_public_bytes(key.public_key)) for key in stored}
        return _Keys(time.monotonic(), signing, verifying)


def _is_canonical(token: str) -> bool:
    """Whether no other text decodes to the same signature: its last character has bits that a decoder ignores."""
    signature = token.rpartition(".")[2]
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except ValueError:
        return False
    return base64.urlsafe_b64encode(raw).decode().rstrip("=") == signature
