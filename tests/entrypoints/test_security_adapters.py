"""Hashes, tokens and seals: what survives a new secret, and what nobody can forge."""

import asyncio
import hmac
import threading
import unicodedata
from datetime import UTC, datetime, timedelta
from types import ModuleType
from uuid import UUID

import bcrypt
import pytest

from adapters.security.bcrypt_hasher import WAITING_FOR_EACH_THREAD, BcryptHasher
from adapters.security.opaque_tokens import HmacDeviceTokens, HmacRefreshTokens
from adapters.security.password_strength import ZxcvbnStrength
from adapters.security.secrets import DEVICE_TOKENS, PASSWORD_PEPPER, REFRESH_TOKENS, SIGNING_KEY_SEAL, Keychain
from adapters.security.signing_keys import Ed25519KeyFactory
from application.identity.ports import Verdict
from application.ports import Usage
from domain.access.actor import Origin
from domain.errors import Unavailable
from domain.identity.password_policy import PasswordPolicy
from domain.identity.session import Session

OLD, NEW = "an old secret, kept for a while, 1234", "a new secret, of this year only, 5678"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def hasher(*secrets: str, cost: int = 4, threads: int = 1) -> BcryptHasher:
    return BcryptHasher(Keychain.of(secrets, PASSWORD_PEPPER), cost=cost, threads=threads)


def session(tokens: HmacRefreshTokens) -> Session:
    return Session.started(
        id=UUID(int=1),
        user_id=UUID(int=2),
        seed=tokens.new_seed(),
        secret_id=tokens.secret_id,
        now=NOW,
        lifetime=timedelta(days=1),
        origin=Origin(),
    )


async def test_a_hash_names_its_pepper_and_never_shows_it() -> None:
    stored = await hasher(OLD).hash("a password")
    version, pepper_id, *_ = stored.split("$")
    assert version == "mh1"
    assert pepper_id == Keychain.of([OLD], PASSWORD_PEPPER).current.id
    assert OLD not in stored


async def test_passwords_survive_a_new_secret_while_the_previous_one_is_known() -> None:
    stored = await hasher(OLD).hash("a password")
    both = hasher(NEW, OLD)
    verdict = await both.verify("a password", stored)
    assert (verdict.right, verdict.outdated) == (True, True)
    upgraded = await both.hash("a password")
    assert (await hasher(NEW).verify("a password", upgraded)).right
    assert not (await hasher(NEW).verify("a password", stored)).right


async def test_a_hash_of_another_cost_is_outdated() -> None:
    stored = await hasher(OLD, cost=5).hash("a password")
    assert (await hasher(OLD, cost=5).verify("a password", stored)).outdated is False
    assert (await hasher(OLD, cost=4).verify("a password", stored)).outdated is True


async def test_hashing_leaves_the_event_loop_free() -> None:
    busy = hasher(OLD, cost=12)
    hashing = asyncio.create_task(busy.hash("a password"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    busy.close()


async def test_more_than_can_be_done_is_refused_at_once_and_counted_down_again() -> None:
    one_thread = hasher(OLD, cost=4)
    release = threading.Event()
    blocked = one_thread._pool.submit(release.wait)
    waiting = [asyncio.create_task(one_thread.hash("x")) for _ in range(WAITING_FOR_EACH_THREAD + 1)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await one_thread.hash("x")
    assert refused.value.code == "busy"
    release.set()
    await asyncio.gather(*waiting)
    blocked.result()
    assert await one_thread.hash("x")
    one_thread.close()


async def test_a_caller_who_gives_up_does_not_free_the_place_before_the_work_is_done() -> None:
    one_thread = hasher(OLD, cost=4)
    release = threading.Event()
    one_thread._pool.submit(release.wait)
    tasks = [asyncio.create_task(one_thread.hash("x")) for _ in range(3)]
    await asyncio.sleep(0)
    running = one_thread._pool.submit(release.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    release.set()
    await asyncio.wrap_future(running)
    assert one_thread._pending == 0
    one_thread.close()


def test_a_refresh_token_is_always_the_same_for_its_step_and_no_other() -> None:
    tokens = HmacRefreshTokens(Keychain.of([OLD], REFRESH_TOKENS))
    family = session(tokens)
    minted = [tokens.mint(family, counter) for counter in range(5)]
    assert len(set(minted)) == 5
    assert minted[3] == tokens.mint(family, 3)
    claims = tokens.read(minted[3] or "")
    assert claims is not None
    assert (claims.session_id, claims.counter) == (family.id, 3)


def test_neither_the_secret_nor_the_database_alone_makes_a_refresh_token() -> None:
    tokens, foreign = (HmacRefreshTokens(Keychain.of([secret], REFRESH_TOKENS)) for secret in (OLD, NEW))
    family = session(tokens)
    assert foreign.mint(family, 1) is None
    other_seed = session(tokens)
    assert tokens.mint(family, 1) != tokens.mint(other_seed, 1)


def test_refresh_families_survive_a_new_secret_while_the_previous_one_is_known() -> None:
    family = session(before := HmacRefreshTokens(Keychain.of([OLD], REFRESH_TOKENS)))
    after = HmacRefreshTokens(Keychain.of([NEW, OLD], REFRESH_TOKENS))
    assert after.mint(family, 1) == before.mint(family, 1)
    assert after.secret_id != family.secret_id


def test_a_device_is_recognised_for_its_member_alone() -> None:
    devices = HmacDeviceTokens(Keychain.of([OLD], DEVICE_TOKENS))
    token = devices.issue(UUID(int=1))
    assert devices.recognises(token, UUID(int=1))
    assert not devices.recognises(token, UUID(int=2))
    assert HmacDeviceTokens(Keychain.of([NEW, OLD], DEVICE_TOKENS)).recognises(token, UUID(int=1))
    assert not HmacDeviceTokens(Keychain.of([NEW], DEVICE_TOKENS)).recognises(token, UUID(int=1))


def test_a_signing_key_is_opened_by_the_secret_that_sealed_it() -> None:
    key = Ed25519KeyFactory(Keychain.of([OLD], SIGNING_KEY_SEAL)).make(NOW)
    assert Ed25519KeyFactory(Keychain.of([NEW, OLD], SIGNING_KEY_SEAL)).opens(key)
    assert not Ed25519KeyFactory(Keychain.of([NEW], SIGNING_KEY_SEAL)).opens(key)


def test_every_purpose_has_its_own_key() -> None:
    purposes = (PASSWORD_PEPPER, REFRESH_TOKENS, DEVICE_TOKENS, SIGNING_KEY_SEAL)
    assert len({Keychain.of([OLD], purpose).current.key for purpose in purposes}) == len(purposes)


HOSTILE = "a" + "\u0315" * 30_000 + "\u0334" * 30_000
"""Marks in the wrong order, which normalisation sorts in quadratic time: minutes for a body of the largest size."""


@pytest.mark.parametrize("kind", ["ours", "plain", "none"])
async def test_an_endless_password_is_not_even_normalised(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    normalize = unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: seen.append(len(text)) or normalize(form, text))
    own = hasher(OLD)
    stored = {"ours": await own.hash("x"), "plain": bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(), "none": None}
    assert not (await own.verify(HOSTILE, stored[kind])).right
    assert PasswordPolicy().refusals(HOSTILE, ()) == ["The password may have 256 characters at most."]
    assert max(seen, default=0) <= 1024


def test_the_estimate_of_strength_reads_a_bounded_part_of_a_password() -> None:
    estimate = ZxcvbnStrength()
    assert estimate.weakness("correct horse battery staple", ()) is None
    assert estimate.weakness("a" * 100 + "kV9#mZ2!qX7@wL4$", ()) is None
    assert estimate.weakness("password1234" * 20, ()) is not None


async def test_an_imported_hash_of_a_long_password_is_right_but_not_made_anew() -> None:
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    own = hasher(OLD)
    assert await own.verify("x" * 72, stored) == Verdict(True, outdated=True)
    assert await own.verify("x" * 72 + "anything", stored) == Verdict(True, outdated=False)
    assert not (await own.verify("x" * 72 + "\0", stored)).right


@pytest.mark.parametrize(
    "stored",
    [
        "mh1$abc",
        "mh1$",
        "$2b$\u00b2\u00b2$" + "a" * 53,
        "$2b$00$" + "a" * 53,
        "$2b$04$" + "a" * 10,
        "$2b$04$" + "!" * 53,
        "$2b$99$" + "a" * 53,
        "$2b$31$" + "a" * 53,
        "pbkdf2_sha256$1$a$b",
        "",
    ],
)
async def test_what_is_no_hash_costs_one_all_the_same(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    hash_password = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", lambda secret, salt: made.append(salt) or hash_password(secret, salt))
    assert await hasher(OLD).verify("a password", stored) == Verdict(False)
    assert len(made) == 1


async def test_where_there_is_no_hash_the_same_is_done_as_for_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what comes before bcrypt: some microseconds tell, if somebody asks often enough (S2)."""
    done: list[str] = []

    def watch(module: ModuleType, name: str) -> None:
        work = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given: done.append(name) or work(*given))

    own = hasher(OLD)
    stored = await own.hash("a password")
    for module, name in ((unicodedata, "normalize"), (hmac, "digest"), (bcrypt, "checkpw"), (bcrypt, "hashpw")):
        watch(module, name)
    assert await own.verify("another", stored) == Verdict(False)
    for_a_wrong_one = list(done)
    done.clear()
    assert await own.verify("another", None) == Verdict(False)
    assert done == for_a_wrong_one == ["normalize", "digest", "checkpw"]


async def test_it_tells_how_many_hash_and_how_many_wait() -> None:
    one = hasher(OLD, cost=10)
    assert one.usage() == Usage(1, 0, 0)
    hashing = [asyncio.create_task(one.hash("a password")) for _ in range(3)]
    await asyncio.sleep(0)
    assert one.usage() == Usage(1, 1, 2)
    await asyncio.gather(*hashing)
    assert one.usage() == Usage(1, 0, 0)


async def test_nobody_waits_for_long_and_what_was_given_up_is_not_begun() -> None:
    busy = BcryptHasher(Keychain.of([OLD], PASSWORD_PEPPER), cost=13, threads=1, patience=0.05)
    hashing = [asyncio.create_task(busy.hash("a password")) for _ in range(5)]
    found = await asyncio.gather(*hashing, return_exceptions=True)
    assert [type(each) for each in found] == [Unavailable] * 5
    assert busy.usage() == Usage(1, 1, 0)  # what had begun goes on
    busy.close()
