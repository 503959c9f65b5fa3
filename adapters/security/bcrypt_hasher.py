"""Passwords hashed with bcrypt, off the event loop, by no more threads than there are cores for it.

What is stored: `mh1$PEPPER$` and a bcrypt hash of base64(HMAC-SHA-384(pepper, NFKC(password))): so every password has
the same length (bcrypt reads 72 bytes at most), and a stolen table cannot be attacked without the secret. `PEPPER` is
the id of the secret. Plain bcrypt hashes, as imports bring them, are verified too, and called outdated.
"""

import asyncio
import base64
import hmac
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from adapters.security.secrets import Keychain, Subkey
from application.identity.ports import PasswordHasher, Verdict
from domain.errors import Unavailable
from domain.identity.password_policy import normalised

T = TypeVar("T")

VERSION = "mh1"
HIGHEST_COST = 16
LONGEST_BCRYPT_INPUT = 72
WAITING_FOR_EACH_THREAD = 64
_NICENESS = 10


class BcryptHasher(PasswordHasher):
    """`cost` is bcrypt's logarithmic work factor; `threads` how many hashes are made at once.

    Up to 64 more wait for each thread; beyond that the answer is Unavailable (`busy`) at once.
    """

    def __init__(self, peppers: Keychain, *, cost: int, threads: int) -> None:
        self._peppers = peppers
        self._cost = cost
        self._most_pending = threads * (1 + WAITING_FOR_EACH_THREAD)
        self._pending = 0
        self._counting = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, "bcrypt", initializer=_yield_to_others)
        self._dummy = bcrypt.gensalt(cost)

    async def hash(self, password: str) -> str:
        return await self._run(self._hash, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        return await self._run(self._verify, password, stored)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        with self._counting:
            if self._pending >= self._most_pending:
                raise Unavailable("busy", "Too many passwords are being checked at the moment; try again soon.")
            self._pending += 1
        future = self._pool.submit(work, *arguments)
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def _done(self, _: object) -> None:
        """Called by the thread that did the work: a caller who gave up does not make it go away."""
        with self._counting:
            self._pending -= 1

    def _hash(self, password: str) -> str:
        pepper = self._peppers.current
        hashed = bcrypt.hashpw(_peppered(pepper, password), bcrypt.gensalt(self._cost))
        return f"{VERSION}${pepper.id}{hashed.decode()}"

    def _verify(self, password: str, stored: str | None) -> Verdict:
        version, pepper_id, plain_hash = _split(stored)
        if plain_hash is None or _cost_of(plain_hash) > HIGHEST_COST:
            return self._never(password)
        if version is None:
            return Verdict(_matches(_unpeppered(password), plain_hash), outdated=True)
        pepper = self._peppers.by_id.get(pepper_id)
        if pepper is None:
            return self._never(password)
        right = _matches(_peppered(pepper, password), plain_hash)
        return Verdict(right, pepper is not self._peppers.current or _cost_of(plain_hash) != self._cost)

    def _never(self, password: str) -> Verdict:
        """As much work as a real comparison, and the answer is no."""
        bcrypt.hashpw(_peppered(self._peppers.current, password), self._dummy)
        return Verdict(False)


def _split(stored: str | None) -> tuple[str | None, str, str | None]:
    """Version and pepper's id (None and empty for a plain hash), and the bcrypt hash (None where there is none)."""
    if stored is None:
        return None, "", None
    if stored.startswith(f"{VERSION}$"):
        version, pepper_id, rest = stored.split("$", 2)
        return version, pepper_id, f"${rest}"
    return None, "", stored if stored.startswith(("$2a$", "$2b$", "$2y$")) else None


def _cost_of(plain_hash: str) -> int:
    cost = plain_hash[4:6]
    return int(cost) if cost.isdigit() else HIGHEST_COST + 1


def _peppered(pepper: Subkey, password: str) -> bytes:
    text = normalised(password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(pepper.key, text, "sha384"))


def _unpeppered(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass").split(b"\0")[0][:LONGEST_BCRYPT_INPUT]


def _matches(password: bytes, plain_hash: str) -> bool:
    try:
        return bcrypt.checkpw(password, plain_hash.encode())
    except ValueError:  # not a hash that bcrypt can read
        return False


def _yield_to_others() -> None:
    """Hashing fills every core; requests that only read come first. (Linux knows a niceness for each thread.)"""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
