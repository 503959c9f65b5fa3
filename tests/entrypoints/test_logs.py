"""What a log line looks like, and what never comes into one (S24, S40)."""

import io
import json
import logging
import logging.config
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from adapters.security.api_keys import RandomApiKeys
from adapters.security.opaque_tokens import HmacDeviceTokens
from adapters.security.secrets import DEVICE_TOKENS, Keychain
from entrypoints.cli.logs import log_config
from entrypoints.logs import REQUEST_ID, TRACE_ID
from entrypoints.redaction import REDACTED, redacted, without_secrets

KEYCHAIN = Keychain.of([secrets.token_urlsafe(48)], DEVICE_TOKENS)
URLSAFE_72 = secrets.token_urlsafe(54)
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
OURS_BY_SHAPE = {
    "access token": JWT,
    "API key": RandomApiKeys().new(),
    "device token": HmacDeviceTokens(KEYCHAIN).issue(uuid4()),
    "refresh token": URLSAFE_72,
    "link token": secrets.token_urlsafe(48),
    "signing secret": secrets.token_urlsafe(32) + "aA1",
    "password hash": "$2b$12$" + "abcdefghijklmnopqrstuv1234567890ABCDEFGHIJKLMNOPQRSTU",
}
CANARY = "canary-bird-17"


@contextmanager
def logging_as(*, as_json: bool) -> Iterator[io.StringIO]:
    """The configured logging, into a text; afterwards everything is as it was."""
    root, own = logging.getLogger(), logging.getLogger("moothall")
    before = (root.handlers[:], root.level, own.level)
    for name in ("uvicorn", "uvicorn.error"):  # a server in another test may have set them
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True
    logging.config.dictConfig(log_config("debug", as_json=as_json))
    written = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    try:
        yield written
    finally:
        root.handlers[:], root.level, own.level = before


both = pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
log = logging.getLogger("moothall.test")


def test_an_object_a_line_says_when_where_and_what() -> None:
    with logging_as(as_json=True) as written:
        log.warning("It is %s.", "late", extra={"user_id": UUID(int=1), "count": 3, "color_message": "no"})
    line = json.loads(written.getvalue())
    moment = datetime.fromisoformat(line.pop("timestamp"))
    assert moment.tzinfo == UTC
    assert line == {
        "level": "warning",
        "logger": "moothall.test",
        "event": "It is late.",
        "user_id": str(UUID(int=1)),
        "count": 3,
    }


@both
def test_a_line_names_its_request_and_its_trace(as_json: bool) -> None:
    with logging_as(as_json=as_json) as written:
        request, trace = REQUEST_ID.set("request-7"), TRACE_ID.set("abc123")
        logging.getLogger("uvicorn.error").warning("something")
        REQUEST_ID.reset(request)
        TRACE_ID.reset(trace)
        log.warning("outside")
    inside, outside = written.getvalue().splitlines()
    assert "request-7" in inside
    assert "abc123" in inside
    assert "request" not in outside


@both
@pytest.mark.parametrize("shape", OURS_BY_SHAPE)
def test_nothing_that_looks_like_a_secret_is_logged(as_json: bool, shape: str) -> None:
    secret = OURS_BY_SHAPE[shape]
    says: list[Callable[[], None]] = [
        lambda: log.warning("got %s", secret),
        lambda: log.warning("got it", extra={"found": {"deep": [f"in a text: {secret}."]}}),
        lambda: log.warning("GET /reset-password?token=%s&x=1", secret),
        lambda: _fail(secret),
    ]
    with logging_as(as_json=as_json) as written:
        for say in says:
            say()
    assert written.getvalue().count(REDACTED) >= len(says)
    assert secret not in written.getvalue()
    assert secret[:30] not in written.getvalue()


def _fail(secret: str) -> None:
    try:
        raise ValueError(f"bad token {secret}")
    except ValueError:
        log.exception("failed")


@both
@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "access_token", "Authorization", "cookie", "Set-Cookie", "client_secret", "api_key"],
)
def test_nothing_that_goes_by_the_name_of_a_secret_is_logged(as_json: bool, name: str) -> None:
    with logging_as(as_json=as_json) as written:
        log.warning("beside", extra={name: CANARY})
        log.warning("in a mapping", extra={"body": {name: [CANARY, {"deep": CANARY}]}})
        log.warning("as its text: %s", {name: CANARY, "harmless": "kept"})
        log.warning("as JSON: %s", json.dumps({name: CANARY}))
        log.warning("%s=%s and %s: %s", name, CANARY, name, CANARY)
    assert CANARY not in written.getvalue()
    assert "kept" in written.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}=",
        f"postgresql://moot:{CANARY}@db.example/moot",
        f"smtp://moot:{CANARY}/with@at@mail.example:587 is away",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"Cookie: a=1; b={CANARY}",
        f"Authorization: Digest {CANARY}",
        str({"password": CANARY.encode()}),
    ],
)
def test_headers_urls_and_keys_lose_what_is_secret_in_them(text: str) -> None:
    assert CANARY not in without_secrets(text)
    assert REDACTED in without_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "The audit trail is sealed up to 1:4fd3c5c0f67dd597f02d2eaf510e80babd804d2af407592d12c6be44b5d283ca.",
        "request 7f615746217d73c707147eb608bad0b1 of 019ab0c5-7d3e-7a40-9d4e-0123456789ab",
        "in test_that_a_long_name_of_a_function_with_more_than_43_letters_is_kept",
        "Moothall at http://127.0.0.1:8000, mail to ada@example.com",
        "the key mh_abc123 was revoked",
        "no token came",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_what_is_named_harmlessly_stays() -> None:
    given = {"user_id": "1", "status": 200, "keys": 2, "none": None, "is": True}
    assert redacted("body", given) == given


@both
@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x0b", "\x1b[2J"])
def test_no_value_begins_a_line_of_its_own(as_json: bool, ending: str) -> None:
    """S24."""
    forged = f"x{ending}2026-01-01T00:00:00.000Z ERROR moothall: forged"
    with logging_as(as_json=as_json) as written:
        log.warning("%s", forged)
        log.warning("beside", extra={"name_given": forged})
        try:
            raise ValueError(forged)
        except ValueError:
            log.exception("raised")
    assert "\x1b" not in written.getvalue()
    lines = written.getvalue().splitlines()
    begun = [line for line in lines if not line.startswith("    ")]
    assert len(begun) == 3
    assert not any(line.startswith("2026-01-01") for line in lines)
