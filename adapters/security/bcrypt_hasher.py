"""Passwords hashed with bcrypt, off the event loop, by no more threads than there are cores for it.

What is stored: `mh1$PEPPER$` and a bcrypt hash of base64(HMAC-SHA-384(pepper, NFKC(password))): so every password has
the same length (bcrypt reads 72 bytes at most), and a stolen table cannot be attacked without the secret. `PEPPER` is
the id of the secret. Plain bcrypt hashes, as imports bring them, are verified too, and called outdated.
"""

import asyncio
import base64
import hmac
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from adapters.security import foreign_hashes
from adapters.security.foreign_hashes import HIGHEST_BCRYPT_COST
from adapters.security.secrets import Keychain, Subkey
from application.identity.ports import PasswordHasher, Verdict
from application.ports import Usage, Watched
from domain.errors import Invalid, Unavailable
from domain.identity.password_policy import LONGEST_TYPED, normalised

T = TypeVar("T")

VERSION = "mh1"
WAITING_FOR_EACH_THREAD = 64
PATIENCE = 10.0
"""Seconds. Where the machine is busy with something else, even a short line takes long."""
_NICENESS = 10
_OURS = re.compile(
    rf"{VERSION}\$(?P<pepper>[0-9a-f]{{8}})"
    r"(?P<bcrypt>\$2[aby]\$(?P<cost>0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})"
)


class BcryptHasher(PasswordHasher, Watched):
    """`cost` is bcrypt's logarithmic work factor; `threads` how many hashes are made at once.

    Up to 64 more wait for each thread; beyond that the answer is Unavailable (`busy`) at once,
    and so it is after `patience` seconds. What was not begun by then is not begun any more.
    """

    def __init__(self, peppers: Keychain, *, cost: int, threads: int, patience: float = PATIENCE) -> None:
        self._peppers = peppers
        self._cost = cost
        self._threads = threads
        self._patience = patience
        self._most_pending = threads * (1 + WAITING_FOR_EACH_THREAD)
        self._pending = 0
        self._counting = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, "bcrypt", initializer=_yield_to_others)
        self._dummy = bcrypt.gensalt(cost)
        self._nobodys = f"{VERSION}${peppers.current.id}{self._dummy.decode()}{'.' * 31}"  # no password is known for it

    async def hash(self, password: str) -> str:
        return await self._run(self._hash, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        return await self._run(self._verify, password, stored)

    def imported(self, text: str) -> str:
        if not text.startswith(VERSION):
            foreign_hashes.read(text)
            return text
        parts = _OURS.fullmatch(text)
        if parts is None:
            raise foreign_hashes.bad_hash("This begins as a hash of this installation does, but is none.")
        if int(parts["cost"]) > HIGHEST_BCRYPT_COST:
            raise foreign_hashes.too_costly("bcrypt's cost", HIGHEST_BCRYPT_COST)
        if parts["pepper"] not in self._peppers.by_id:
            raise foreign_hashes.bad_hash(
                "This hash was made with a secret key that is not known here; MOOTHALL_SECRET_KEY_PREVIOUS can name it."
            )
        return text

    def usage(self) -> Usage:
        pending = self._pending
        waiting = max(0, pending - self._threads)
        return Usage(self._threads, min(pending, self._threads), waiting, is_full=pending >= self._most_pending)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        with self._counting:
            if self._pending >= self._most_pending:
                raise _busy()
            self._pending += 1
        future = self._pool.submit(work, *arguments)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise _busy() from None

    def _done(self, _: object) -> None:
        """Called by the thread that did the work: a caller who gave up does not make it go away."""
        with self._counting:
            self._pending -= 1

    def _hash(self, password: str) -> str:
        pepper = self._peppers.current
        hashed = bcrypt.hashpw(_peppered(pepper, password), bcrypt.gensalt(self._cost))
        return f"{VERSION}${pepper.id}{hashed.decode()}"

    def _verify(self, password: str, stored: str | None) -> Verdict:
        text = self._nobodys if stored is None else stored
        if len(password) > LONGEST_TYPED:
            return self._never()
        if not text.startswith(VERSION):
            return self._verify_foreign(password, text)
        parts = _OURS.fullmatch(text)
        if parts is None or int(parts["cost"]) > HIGHEST_BCRYPT_COST:
            return self._never()
        pepper = self._peppers.by_id.get(parts["pepper"])
        if pepper is None:
            return self._never()
        outdated = pepper is not self._peppers.current or int(parts["cost"]) != self._cost
        return Verdict(bcrypt.checkpw(_peppered(pepper, password), parts["bcrypt"].encode()), outdated)

    def _verify_foreign(self, password: str, text: str) -> Verdict:
        typed = password.encode("utf-8", "surrogatepass")
        if b"\0" in typed:  # bcrypt may stop reading there, and PBKDF2 takes it for nothing at the end
            return self._never()
        try:
            foreign = foreign_hashes.read(text)
        except Invalid:
            return self._never()
        try:
            return foreign.compare(typed)
        except MemoryError:
            raise _busy() from None

    def _never(self) -> Verdict:
        """As much work as a real comparison, and the answer is no."""
        bcrypt.hashpw(b"nobody's password", self._dummy)
        return Verdict(False)


def _busy() -> Unavailable:
    return Unavailable("busy", "Too many passwords are being checked at the moment; try again soon.")


def _peppered(pepper: Subkey, password: str) -> bytes:
    text = normalised(password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(pepper.key, text, "sha384"))


def _yield_to_others() -> None:
    """Hashing fills every core; requests that only read come first. (Linux knows a niceness for each thread.)"""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
