"""API keys as text: 46 characters, of which 256 bits are random."""

import hashlib
import secrets

from application.access.ports import KeyMaker

_SHOWN = 9


class RandomApiKeys(KeyMaker):
    """`mh_` and 43 characters of base64url. The first 9 may be shown: they leave 220 bits unknown.

    What is stored is SHA-256: a slow or peppered hash protects secrets that can be guessed, and these cannot.
    """

    def new(self) -> str:
        return f"mh_{secrets.token_urlsafe(32)}"

    def is_one(self, text: str) -> bool:
        return text.startswith("mh_")

    def prefix(self, key: str) -> str:
        return key[:_SHOWN]

    def digest(self, key: str) -> bytes:
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
