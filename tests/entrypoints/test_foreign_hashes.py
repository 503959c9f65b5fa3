"""Hashes of other systems: verified as those did, never at any cost, and never a reason to fail (S1, S5, S10)."""

import asyncio
import binascii
import hashlib
import unicodedata
from contextlib import suppress

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.security import foreign_hashes
from adapters.security.bcrypt_hasher import BcryptHasher
from adapters.security.foreign_hashes import LONGEST
from adapters.security.secrets import PASSWORD_PEPPER, Keychain
from application.identity.ports import Verdict
from domain.errors import Invalid, Unavailable

SECRET, ANOTHER = "a secret of this installation, 1234", "a secret of another installation, 5678"
PASSWORD = "Gru\u0308\xdfe an 4 \ufb01nks"
"""With a decomposed ü and a ligature: whoever normalises it compares another password."""

MADE_BY_OTHERS = {
    "django, pbkdf2_sha256": "pbkdf2_sha256$1000$VH8lZBvKnXzPp3Zf4DjTQm$Ux0I//eCUAUfczJI5vCcsv5Kz1Kejij06wKlwQQaa7E=",
    "django, pbkdf2_sha1": "pbkdf2_sha1$1000$VH8lZBvKnXzPp3Zf4DjTQm$dhMO1mvLHpJH0Wkk6ZDVLdhHDIM=",
    "django, bcrypt": "bcrypt$$2b$04$Bw12WlrPlHQ06gB7o7ZHLeSYVc7AwBxwaV9Rc09JKl5.sMn21HSgC",
    "django, bcrypt_sha256": "bcrypt_sha256$$2b$04$6OTej/ffn4M1yVP/z8PWc.giaZyClRlvIg0dX06qH8gn2H3WFlYPG",
    "django, argon2": "argon2$argon2id$v=19$m=64,t=1,p=2$WnlRVmF5ZzBRSmx2REtxQkpMTXAwaw"
    "$HNytMfbzC0nnzFpseLQQH5pqBGlaPTg5Z2h08PWUW14",
    "pwdlib, argon2d": "$argon2d$v=19$m=64,t=2,p=4$ThnwCL6eYs36Zya4+f1YPQ$IAEQ+jYHPlNmmzjq8A7ENhfgboiMHfF9aoD6aN7fA9I",
    "pwdlib, argon2i": "$argon2i$v=19$m=64,t=2,p=4$R2SarVip90XWItz8LSdIuQ$aV15JfBTQZ6gs94SDh7QDj+SbBlMxoCOjmBQRNiO8Ys",
    "pwdlib, argon2id": "$argon2id$v=19$m=64,t=2,p=4$95v9Bpa2bghF4sONOaogrA"
    "$BMg07qJHtPcMtESVzPWdjJcNFEvKbFUmNrTEN2gK+DI",
    "pwdlib, one lane": "$argon2id$v=19$m=64,t=2,p=1$DgZmeMwKII5GteUtqZ6YFg"
    "$Pen6N1WMIjmDjScNMPCJHOUHbZn/BAkIi/K8Rvl3W18",
    "pwdlib, bcrypt": "$2b$04$j/5iraPvRJP1NpbrFglmDOFW6EAoyhlC1zgtRmYIKVITJtpMxgBY6",
}
"""Django 5.2 and pwdlib 0.3 made them, of PASSWORD, at the lowest costs."""


def phc(digest: str, iterations: int, salt: bytes, derived: bytes) -> str:
    salt_text, hash_text = (binascii.b2a_base64(part, newline=False).rstrip(b"=").decode() for part in (salt, derived))
    return f"$pbkdf2-{digest}$i={iterations}${salt_text}${hash_text}"


PUBLISHED = {
    "RFC 6070": ("password", "sha1", "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
    "RFC 7914, two blocks": (
        "passwd",
        "sha256",
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
    ),
}


@pytest.fixture(scope="module")
def hasher() -> BcryptHasher:
    return BcryptHasher(Keychain.of([SECRET], PASSWORD_PEPPER), cost=4, threads=2)


@pytest.mark.parametrize("system", MADE_BY_OTHERS)
async def test_what_another_system_hashed_is_right_for_that_password_alone_and_outdated(
    system: str, hasher: BcryptHasher
) -> None:
    stored = hasher.imported(MADE_BY_OTHERS[system])
    assert await hasher.verify(PASSWORD, stored) == Verdict(True, outdated=True)
    for form in ("NFC", "NFKC"):
        assert not (await hasher.verify(unicodedata.normalize(form, PASSWORD), stored)).right  # type: ignore[arg-type]
    assert not (await hasher.verify(PASSWORD[:-1], stored)).right
    assert not (await hasher.verify("", stored)).right


@pytest.mark.parametrize("system", MADE_BY_OTHERS)
async def test_a_nul_is_part_of_no_password(system: str, hasher: BcryptHasher) -> None:
    """PBKDF2 fills passwords with NULs itself, so that one more at the end would be right."""
    assert not (await hasher.verify(PASSWORD + "\0", MADE_BY_OTHERS[system])).right


@pytest.mark.parametrize("source", PUBLISHED)
async def test_pbkdf2_is_the_published_one(source: str, hasher: BcryptHasher) -> None:
    password, digest, derived = PUBLISHED[source]
    stored = hasher.imported(phc(digest, 1, b"salt", bytes.fromhex(derived)))
    assert await hasher.verify(password, stored) == Verdict(True, outdated=True)
    assert not (await hasher.verify(password.upper(), stored)).right


async def test_a_long_password_is_known_whole_but_to_plain_bcrypt(hasher: BcryptHasher) -> None:
    long = "x" * 100
    made_by_django = "bcrypt_sha256$$2b$04$Y044fOKS23XB8moCPn8THehHVWilNaAvVe6nsSVnhnc2DERE1.3Hy"
    assert await hasher.verify(long, made_by_django) == Verdict(True, outdated=True)
    assert not (await hasher.verify(long[:-1], made_by_django)).right
    plain = f"bcrypt${bcrypt.hashpw(b'x' * 72, bcrypt.gensalt(4)).decode()}"
    assert await hasher.verify(long, plain) == Verdict(True, outdated=False)


async def test_argon2_with_several_lanes_can_be_compared_at_once(hasher: BcryptHasher) -> None:
    """Without a lock OpenSSL fails for want of threads, or waits for ever."""
    stored = MADE_BY_OTHERS["pwdlib, argon2id"]
    verdicts = await asyncio.gather(*(hasher.verify(PASSWORD, stored) for _ in range(50)))
    assert verdicts == [Verdict(True, outdated=True)] * 50


async def test_without_memory_for_argon2_it_is_busy_and_nobody_is_wrong(
    hasher: BcryptHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(**_: object) -> None:
        raise MemoryError

    monkeypatch.setitem(foreign_hashes.ARGON2_VARIANTS, "argon2id", without_memory)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await hasher.verify(PASSWORD, MADE_BY_OTHERS["pwdlib, argon2id"])


async def test_a_hash_of_ones_own_is_taken_where_its_secret_is_known(hasher: BcryptHasher) -> None:
    own = await hasher.hash(PASSWORD)
    assert hasher.imported(own) == own
    stranger = BcryptHasher(Keychain.of([ANOTHER], PASSWORD_PEPPER), cost=4, threads=1)
    with pytest.raises(Invalid, match="secret key"):
        stranger.imported(own)


SALT, HASH = "c29tZXNhbHQ", "A" * 43

TOO_COSTLY = [
    "$2b$17$" + "." * 53,
    "$2b$31$" + "." * 53,
    "bcrypt_sha256$$2b$31$" + "." * 53,
    f"pbkdf2_sha256$5000001$salt${HASH}=",
    f"$pbkdf2-sha256$i=2500001${SALT}${'A' * 86}",  # two blocks
    f"$pbkdf2-sha512$i=5000001${SALT}${'A' * 86}",
    f"$argon2id$v=19$m=262145,t=1,p=1${SALT}${HASH}",
    f"$argon2id$v=19$m=65536,t=17,p=1${SALT}${HASH}",
    f"$argon2id$v=19$m=65536,t=1,p=17${SALT}${HASH}",
    f"argon2$argon2id$v=19$m=4294967296,t=1,p=1${SALT}${HASH}",
]
MALFORMED = [
    "$2",
    "$2b$04$" + "." * 52,
    "$2b$03$" + "." * 53,
    "$2x$04$" + "." * 53,
    "$2b$04$" + "a" * 53,  # no salt of 16 bytes ends so
    "bcrypt$2b$04$" + "." * 53,
    f"pbkdf2_sha256$0$salt${HASH}=",
    f"pbkdf2_sha256$1$${HASH}=",
    f"pbkdf2_sha256$1$salt${'A' * 41}",
    "pbkdf2_sha256$1$a$b",
    f"pbkdf2_md5$1$salt${HASH}=",
    f"$pbkdf2-sha256$i=1$A${HASH}",
    f"$pbkdf2-sha256$i=1${SALT}$AAAA",
    f"$pbkdf2-sha512$i=1${SALT}${'A' * 200}",
    f"$argon2id$v=16$m=64,t=1,p=1${SALT}${HASH}",
    f"$argon2id$v=19$m=64,t=0,p=1${SALT}${HASH}",
    f"$argon2id$v=19$m=8,t=1,p=4${SALT}${HASH}",
    f"$argon2id$v=19$m=64,t=1,p=1$c2FsdA${HASH}",
    f"$argon2id$v=19$m=64,t=1,p=1${SALT}$AAAA",
    f"$argon2id$v=19$t=1,m=64,p=1${SALT}${HASH}",
    "mh1$",
    "mh1$00000000$2b$04$" + "!" * 53,
]
UNKNOWN = [
    "",
    "!",
    "!kfDSJdYqkrTFUjeIkKhQUF7RLxCFfsNqZqVnKyzs",
    "a password, typed into the wrong column",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "scrypt$16384$salt$8$5$hash",
    "$6$salt$hash",
]


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (TOO_COSTLY, "take too much"),
        (["mh1$00000000$2b$31$" + "." * 53], "take too much"),
        (MALFORMED, "This begins as a hash of"),
        (UNKNOWN, "known kind"),
        (["$2b$04$" + "." * LONGEST, "$2b$0\u0664$" + "." * 53], f"{LONGEST} characters at most, all of them ASCII"),
    ],
    ids=["too costly", "own, too costly", "malformed", "unknown", "long or not ASCII"],
)
def test_what_cannot_be_compared_with_is_not_imported_and_not_repeated(
    texts: list[str], sentence: str, hasher: BcryptHasher
) -> None:
    for text in texts:
        with pytest.raises(Invalid, match=sentence) as refused:
            hasher.imported(text)
        [problem] = refused.value.problems
        assert (refused.value.code, problem.pointer) == ("bad-password-hash", "/password_hash")
        assert not text or text not in refused.value.detail


@pytest.mark.parametrize("stored", [*TOO_COSTLY, *MALFORMED, *UNKNOWN])
async def test_what_is_stored_all_the_same_costs_one_hash_of_ours_and_is_never_right(
    stored: str, hasher: BcryptHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    hash_with_bcrypt = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", lambda secret, salt: made.append("bcrypt") or hash_with_bcrypt(secret, salt))
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", lambda *_: made.append("pbkdf2"))
    monkeypatch.setattr(foreign_hashes.Argon2Hash, "compare", lambda *_: made.append("argon2"))
    assert await hasher.verify(PASSWORD, stored) == Verdict(False)
    assert made == ["bcrypt"]


BEGINNINGS = st.sampled_from(
    [
        "",
        "mh1$",
        "$2b$04$",
        "bcrypt$$2b$04$",
        "bcrypt_sha256$$2b$04$",
        "pbkdf2_sha256$1$",
        "pbkdf2_sha1$1$salt$",
        "$pbkdf2-sha256$i=1$",
        "$pbkdf2-sha512$i=1$c2FsdA$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "argon2$argon2id$v=19$",
    ]
)
ENDS = st.text(st.sampled_from("ab./+=,$19 \0\u00e4\u0663\ud800"), max_size=80) | st.text(max_size=40)


@settings(deadline=None)
@given(beginning=BEGINNINGS, end=ENDS, password=st.text(max_size=80))
def test_no_text_makes_it_fail(beginning: str, end: str, password: str, hasher: BcryptHasher) -> None:
    """Whatever is stored, and whatever is typed, there is a verdict."""
    hasher._verify(password, beginning + end)
    with suppress(Invalid):
        assert hasher.imported(beginning + end) == beginning + end


@given(password=st.text(max_size=100), salt=st.binary(min_size=1, max_size=32), length=st.integers(16, 64))
def test_pbkdf2_of_any_password_and_binary_salt(password: str, salt: bytes, length: int) -> None:
    typed = password.encode("utf-8", "surrogatepass")
    stored = phc("sha512", 1, salt, hashlib.pbkdf2_hmac("sha512", typed, salt, 1, length))
    assert foreign_hashes.read(stored).compare(typed) == Verdict(True, outdated=True)
    assert not foreign_hashes.read(stored).compare(typed + b"x").right
