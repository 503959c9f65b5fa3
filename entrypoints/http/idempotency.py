"""`Idempotency-Key`: a creating request that comes again gets the answer that it got (IETF draft of that name)."""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response

from application.idempotency import AnsweredAlready, Once
from domain.errors import Invalid

T = TypeVar("T")

KEY = re.compile(r"[!-~]{1,255}")
KEPT_HEADERS = ("location", "etag", "cache-control", "content-type")
REPLAYED = {"Idempotency-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may carry a key."""

    key: str | None
    fingerprint: bytes

    def once(self, answer_to: Callable[[T], Response]) -> Once[T] | None:
        """What a use case keeps; None without a key."""
        if self.key is None:
            return None
        return Once(self.key, self.fingerprint, lambda made: _packed(answer_to(made)))

    async def answer(
        self, create: Callable[[Once[T] | None], Awaitable[T]], answer_to: Callable[[T], Response]
    ) -> Response:
        """The answer to what was created now, or the one that was kept."""
        try:
            return answer_to(await create(self.once(answer_to)))
        except AnsweredAlready as kept:
            return replayed(kept)


async def the_key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same request with the same key has one effect and one answer, for 24 hours."),
    ] = None,
) -> str | None:
    """Raises Invalid (`bad-idempotency-key`)."""
    if idempotency_key is None:
        return None
    quoted = len(idempotency_key) > 1 and idempotency_key[0] == idempotency_key[-1] == '"'
    key = idempotency_key[1:-1] if quoted else idempotency_key
    if not KEY.fullmatch(key) or len(request.headers.getlist("idempotency-key")) > 1:
        raise Invalid.field(
            "bad-idempotency-key", "/Idempotency-Key", "Send one key of 1 to 255 visible characters (ASCII)."
        )
    return key


TheKey = Annotated[str | None, Depends(the_key)]


async def repeatable(request: Request, key: TheKey) -> Repeatable:
    return Repeatable(key, b"" if key is None else fingerprint(request, await request.body()))


def fingerprint(request: Request, content: bytes) -> bytes:
    """Of the request with this body, or with one of which this is a digest."""
    return hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + content).digest()


TheRequest = Annotated[Repeatable, Depends(repeatable)]


def _packed(answer: Response) -> bytes:
    kept = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    body = base64.b64encode(bytes(answer.body)).decode()
    return json.dumps({"status": answer.status_code, "headers": kept, "body": body}).encode()


def replayed(kept: AnsweredAlready) -> Response:
    """The answer that the same request got before."""
    found = json.loads(kept.answer)
    return Response(base64.b64decode(found["body"]), found["status"], {**found["headers"], **REPLAYED})
