"""Signatures, as https://github.com/standard-webhooks/standard-webhooks has them: made, and verified."""

import base64
import binascii
import hmac
import re
from datetime import datetime, timedelta

PREFIX = "whsec_"
VERSION = "v1,"
TOLERANCE = timedelta(minutes=5)
"""How far the clocks may differ: what is older may have been recorded and sent again by somebody."""
_SECONDS = re.compile(r"[0-9]{1,12}")


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA-256. Raises ValueError where the secret is none."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return VERSION + base64.b64encode(hmac.digest(_key(secret), content, "sha256")).decode()


def flaw(secret: str, *, message_id: str, timestamp: str, signatures: str, body: bytes, now: datetime) -> str | None:
    """What is wrong with a message that came with these headers; None where nothing is. `signatures` are several,
    separated by blanks, of which one has to be good. Raises ValueError where the secret is none."""
    if not _SECONDS.fullmatch(timestamp):
        return "there is no timestamp"
    wanted = signature(secret, message_id, timestamp, body).encode()
    given = [text.encode("utf-8", "surrogatepass") for text in signatures.split(" ")]
    if not any(hmac.compare_digest(wanted, each) for each in given):
        return "the signature is none of this secret"
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        return "the timestamp is more than 5 minutes off"
    return None


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"A secret is {PREFIX} and base64.") from None
