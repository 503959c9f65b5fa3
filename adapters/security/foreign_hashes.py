"""Password hashes that other systems made: read from their text, and compared with what somebody types.

| kind | text | known from |
| --- | --- | --- |
| bcrypt | `$2b$COST$…`, also `$2a$` and `$2y$` | PocketBase, fastapi-users, PHP |
| bcrypt | `bcrypt$$2b$COST$…`; `bcrypt_sha256$…`: of the hexadecimal SHA-256 of the password | Django |
| PBKDF2 | `pbkdf2_sha256$ITERATIONS$SALT$HASH`, `pbkdf2_sha1$…`; the salt is text, the hash base64 | Django |
| PBKDF2 | `$pbkdf2-sha256$i=ITERATIONS$SALT$HASH`, also `-sha1` and `-sha512`; both base64 without padding | Keycloak |
| Argon2 | `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`, also `argon2i` and `argon2d` | fastapi-users |
| Argon2 | `argon2$` and that | Django |

Sources: the PHC string format; RFC 8018 (PBKDF2), RFC 9106 (Argon2); Django's "Password management".

What a hash would cost is bounded, in a table of members that somebody else filled too: a comparison takes some seconds
at most. Passwords are compared as they are typed, in UTF-8, for none of these systems normalises them; a
second comparison with the normalised form would make wrong passwords cost two hashes, where unknown members cost one.
"""

import binascii
import hashlib
import hmac
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import bcrypt
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

from application.identity.ports import Verdict
from domain.errors import Invalid

LONGEST = 500
HIGHEST_BCRYPT_COST = 16
MOST_PBKDF2_ROUNDS = 5_000_000
"""Iterations, for each block that the hash is long."""
MOST_ARGON2_MEMORY = 256 * 1024
"""KiB."""
MOST_ARGON2_PASSES = 16
MOST_ARGON2_LANES = 16
LONGEST_BCRYPT_INPUT = 72
_SHORTEST = 16
"""Bytes of what is compared: a shorter one would be met by chance."""
_LONGEST = 64
_SHORTEST_ARGON2_SALT = 8
_DIGEST_SIZES = {"sha1": 20, "sha256": 32, "sha512": 64}
ARGON2_VARIANTS: dict[str, type[Argon2d | Argon2i | Argon2id]] = {
    "argon2d": Argon2d,
    "argon2i": Argon2i,
    "argon2id": Argon2id,
}
_ONE_AT_A_TIME = threading.Lock()
"""OpenSSL gives Argon2 its threads out of one pool for the process. Several at once fail for want of memory that there
is, or wait for each other for good (seen with OpenSSL 3.5 and cryptography 50); and one bounds what memory is used."""


class ForeignHash(Protocol):
    """What was read, and costs no more than is allowed."""

    def compare(self, typed: bytes) -> Verdict:
        """One computation, whatever the answer. Raises MemoryError."""
        ...


@dataclass(frozen=True, slots=True)
class BcryptHash:
    text: bytes
    is_of_digest: bool

    def compare(self, typed: bytes) -> Verdict:
        """Only the first 72 bytes counted; a longer password is right, but not known whole, and must not become the
        new hash. A digest has 64, of all of the password."""
        secret = hashlib.sha256(typed).hexdigest().encode() if self.is_of_digest else typed
        right = bcrypt.checkpw(secret[:LONGEST_BCRYPT_INPUT], self.text)
        return Verdict(right, outdated=len(secret) <= LONGEST_BCRYPT_INPUT)


@dataclass(frozen=True, slots=True)
class Pbkdf2Hash:
    digest: str
    iterations: int
    salt: bytes
    expected: bytes

    def compare(self, typed: bytes) -> Verdict:
        made = hashlib.pbkdf2_hmac(self.digest, typed, self.salt, self.iterations, len(self.expected))
        return Verdict(hmac.compare_digest(made, self.expected), outdated=True)


@dataclass(frozen=True, slots=True)
class Argon2Hash:
    variant: type[Argon2d | Argon2i | Argon2id]
    memory: int
    passes: int
    lanes: int
    salt: bytes
    expected: bytes

    def compare(self, typed: bytes) -> Verdict:
        argon2 = self.variant(
            salt=self.salt,
            length=len(self.expected),
            iterations=self.passes,
            lanes=self.lanes,
            memory_cost=self.memory,
        )
        with _ONE_AT_A_TIME:
            made = argon2.derive(typed)
        return Verdict(hmac.compare_digest(made, self.expected), outdated=True)


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    beginnings: tuple[str, ...]
    form: re.Pattern[str]
    build: Callable[..., ForeignHash]
    """From the groups of the form."""


def read(text: str) -> ForeignHash:
    """Takes microseconds: nothing is hashed.

    Raises:
        Invalid: `bad-password-hash`; it says why, and never the hash, which may well be a password.
    """
    if len(text) > LONGEST or not text.isascii():
        raise bad_hash(f"A password hash has {LONGEST} characters at most, all of them ASCII.")
    for kind in _KINDS:
        if text.startswith(kind.beginnings):
            parts = kind.form.fullmatch(text)
            if parts is None:
                raise _not_readable(kind.name)
            return kind.build(*parts.groups())
    raise bad_hash("This is no password hash of a known kind: bcrypt, PBKDF2, Argon2, or one of this installation.")


def bad_hash(detail: str) -> Invalid:
    return Invalid.field("bad-password-hash", "/password_hash", detail)


def too_costly(what: str, most: int) -> Invalid:
    return bad_hash(f"To compare with this hash would take too much: {what} may be {most} at most.")


def _not_readable(kind: str) -> Invalid:
    return bad_hash(f"This begins as a hash of {kind} does, but is not in a form that passwords can be compared with.")


def _bcrypt(digested: str | None, text: str, cost: str) -> BcryptHash:
    if int(cost) > HIGHEST_BCRYPT_COST:
        raise too_costly("bcrypt's cost", HIGHEST_BCRYPT_COST)
    return BcryptHash(text.encode(), is_of_digest=digested is not None)


def _django_pbkdf2(digest: str, iterations: str, salt: str, expected: str) -> Pbkdf2Hash:
    return _pbkdf2(digest, iterations, salt.encode(), _bytes(expected, "PBKDF2"))


def _phc_pbkdf2(digest: str, iterations: str, salt: str, expected: str) -> Pbkdf2Hash:
    return _pbkdf2(digest, iterations, _bytes(salt, "PBKDF2"), _bytes(expected, "PBKDF2"))


def _pbkdf2(digest: str, iterations: str, salt: bytes, expected: bytes) -> Pbkdf2Hash:
    if not _SHORTEST <= len(expected) <= _LONGEST:
        raise _not_readable("PBKDF2")
    rounds, blocks = int(iterations), -(-len(expected) // _DIGEST_SIZES[digest])
    if rounds * blocks > MOST_PBKDF2_ROUNDS:
        raise too_costly("PBKDF2's iterations, for each block of the hash,", MOST_PBKDF2_ROUNDS)
    return Pbkdf2Hash(digest, rounds, salt, expected)


def _argon2(variant: str, memory: str, passes: str, lanes: str, salt: str, expected: str) -> Argon2Hash:
    parsed = Argon2Hash(
        ARGON2_VARIANTS[variant],
        int(memory),
        int(passes),
        int(lanes),
        _bytes(salt, "Argon2"),
        _bytes(expected, "Argon2"),
    )
    if parsed.memory > MOST_ARGON2_MEMORY:
        raise too_costly("Argon2's memory, in KiB,", MOST_ARGON2_MEMORY)
    if parsed.passes > MOST_ARGON2_PASSES:
        raise too_costly("Argon2's passes", MOST_ARGON2_PASSES)
    if parsed.lanes > MOST_ARGON2_LANES:
        raise too_costly("Argon2's lanes", MOST_ARGON2_LANES)
    if (
        parsed.memory < 8 * parsed.lanes  # RFC 9106, section 3.1
        or len(parsed.salt) < _SHORTEST_ARGON2_SALT
        or not _SHORTEST <= len(parsed.expected) <= _LONGEST
    ):
        raise _not_readable("Argon2")
    return parsed


def _bytes(unpadded: str, kind: str) -> bytes:
    try:
        return binascii.a2b_base64(unpadded + "=" * (-len(unpadded) % 4))
    except binascii.Error:
        raise _not_readable(kind) from None


_KINDS = (
    _Kind(
        "bcrypt",
        ("$2", "bcrypt"),
        # The last character of the salt stands for two bits alone.
        re.compile(r"(?:bcrypt(_sha256)?\$)?(\$2[aby]\$(0[4-9]|[1-9][0-9])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})"),
        _bcrypt,
    ),
    _Kind(
        "PBKDF2",
        ("pbkdf2_",),
        re.compile(r"pbkdf2_(sha1|sha256)\$([1-9][0-9]{0,11})\$([^$\x00-\x1f]+)\$([A-Za-z0-9+/]+)={0,2}"),
        _django_pbkdf2,
    ),
    _Kind(
        "PBKDF2",
        ("$pbkdf2",),
        re.compile(r"\$pbkdf2-(sha1|sha256|sha512)\$i=([1-9][0-9]{0,11})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"),
        _phc_pbkdf2,
    ),
    _Kind(
        "Argon2",
        ("$argon2", "argon2"),
        re.compile(
            r"(?:argon2)?\$(argon2id|argon2i|argon2d)\$v=19"
            r"\$m=([1-9][0-9]{0,11}),t=([1-9][0-9]{0,11}),p=([1-9][0-9]{0,11})"
            r"\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
        ),
        _argon2,
    ),
)
