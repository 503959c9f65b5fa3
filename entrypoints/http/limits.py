"""The general limit: each request counts for its caller, and the answer tells where they stand."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import ceil
from typing import Any

from fastapi import Request

from application.app import Application
from application.limits import Limit, Standing, network
from domain.access.actor import Origin
from domain.errors import Throttled

STANDING = "rate_limit"
"""Where the request's state holds what `headers_of` tells."""


async def count(request: Request, caller: str) -> None:
    """One request of this caller.

    Raises Throttled (`too-many-requests`)."""
    application: Application = request.app.state.application
    standing = await application.request_limit.count(caller)
    if standing is None:
        return
    request.scope["state"][STANDING] = standing
    if not standing.taken:
        raise Throttled(
            "too-many-requests", "There were too many requests; try again later.", retry_after=standing.seconds
        )


async def count_stranger(request: Request, origin: Origin) -> None:
    """Of whom only the address is known. Raises Throttled (`too-many-requests`)."""
    await count(request, network(origin.address))


def headers_of(state: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers has them: q requests in w seconds, of
    which r are left; in t seconds there are more."""
    standing: Standing | None = state.get(STANDING)
    if standing is not None:
        yield _policy(standing.limit)
        yield b"ratelimit", b'"%b";r=%d;t=%d' % (_name(standing.limit), standing.remaining, ceil(standing.seconds))


@lru_cache
def _policy(limit: Limit) -> tuple[bytes, bytes]:
    return b"ratelimit-policy", b'"%b";q=%d;w=%d' % (_name(limit), limit.amount, limit.seconds)


def _name(limit: Limit) -> bytes:
    return limit.name.encode("ascii")
