"""A few bytes under a passphrase, in the age format (https://c2sp.org/age), as ASCII text.

Any tool that knows the format opens it, and so does the library that we use for everything else. We do not let the
library write it: it chooses how hard guessing is made by the time that it takes alone, and on a fast machine that is a
gibibyte of memory, where it is written and wherever it is opened.
"""

import base64
import hmac
import secrets
import textwrap

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

BEGINNING = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----\n"
WORK = 18
"""As the age tool itself has it: 2 to the power of this rounds of scrypt, 256 MiB, about a second."""
LONGEST = 64 * 1024
"""Bytes of the format's first chunk, which is all that is needed here."""
_COLUMNS = 64


def sealed(content: bytes, passphrase: str) -> bytes:
    """`content` has 64 KiB at most."""
    assert len(content) <= LONGEST  # noqa: S101
    file_key, salt, nonce = (secrets.token_bytes(16) for _ in range(3))
    derived = Scrypt(b"age-encryption.org/v1/scrypt" + salt, 32, 2**WORK, 8, 1).derive(passphrase.encode())
    wrapped = ChaCha20Poly1305(derived).encrypt(bytes(12), file_key, None)
    header = b"age-encryption.org/v1\n-> scrypt %s %d\n%s\n---" % (_base64(salt), WORK, _base64(wrapped))
    mac = hmac.digest(_subkey(file_key, b"", b"header"), header, "sha256")
    only_and_last = bytes(11) + b"\x01"
    chunk = ChaCha20Poly1305(_subkey(file_key, nonce, b"payload")).encrypt(only_and_last, content, None)
    return _armoured(header + b" " + _base64(mac) + b"\n" + nonce + chunk)


def _subkey(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=salt, info=info).derive(file_key)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _armoured(data: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(data).decode(), _COLUMNS)
    return b"\n".join([BEGINNING, *(line.encode() for line in lines), END])
