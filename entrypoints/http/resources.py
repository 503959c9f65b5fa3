"""Answers: views straight to JSON, ETags, preconditions, links between pages."""

import re
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from application.identity.views import Versioned
from application.paging import LARGEST_PAGE, Page, PageRequest
from entrypoints.times import rfc_3339

API = "/api/v1"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
OUR_ETAG = re.compile(r'"([1-9][0-9]{0,17})"')


def _moment(text: object) -> datetime:
    found = rfc_3339(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("This is not a time as RFC 3339 has it, with its zone: 2026-11-21T09:30:00Z")
    return found


Moment = Annotated[AwareDatetime, BeforeValidator(_moment, json_schema_input_type=AwareDatetime), Field(strict=False)]
"""A time in a request, in UTC once it was read."""


class Body(BaseModel):
    """A request's body: what is not declared is refused, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def sent(self) -> dict[str, Any]:
        """The fields that were in the request, and no others."""
        return self.model_dump(exclude_unset=True)


@lru_cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def as_json(value: object, shape: Any = None) -> bytes:
    """A view; `shape` is its type, where it is generic."""
    chosen: Any = type(value) if shape is None else shape
    return _adapter(chosen).dump_json(value)


def answer(
    value: object, *, shape: Any = None, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    """A view as JSON; `shape` is its type, where it is generic."""
    return Response(as_json(value, shape), status, headers, "application/json")


def resource(found: Versioned[Any], *, status: int = HTTPStatus.OK, location: str | None = None) -> Response:
    """A single thing, with the strong ETag of its version (RFC 9110, section 8.8.3)."""
    headers = {"ETag": f'"{found.version}"', "Cache-Control": "private, no-cache"}
    if location is not None:
        headers["Location"] = location
    return answer(found.value, status=status, headers=headers)


def listing(request: Request, page: Page[Any], shape: Any) -> Response:
    """A page, with the link to the next one (RFC 8288)."""
    headers = {"Cache-Control": "private, no-cache"}
    if page.next_cursor is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page", "cursor")]
        query = urlencode([*kept, ("cursor", page.next_cursor)])
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return answer(page, shape=shape, headers=headers)


def accepted() -> Response:
    """It will be seen to."""
    return Response(status_code=HTTPStatus.ACCEPTED)


def no_content() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def page_request(
    page: Annotated[int | None, Query(ge=1, description="A numbered page, from 1; counts the whole list.")] = None,
    page_size: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows a page.")] = 20,
    cursor: Annotated[
        str | None,
        Query(
            max_length=2000, description="`next_cursor` of the page before; empty: from the start, without counting."
        ),
    ] = None,
) -> PageRequest:
    return PageRequest(size=page_size, number=page, cursor=cursor)


async def expected_versions(
    request: Request,
    if_match: Annotated[
        str | None, Header(description="Change it only if it still has this ETag, as RFC 9110, section 13.1.1.")
    ] = None,
) -> frozenset[int] | None:
    """The versions that the caller would change; None for any. A weak or foreign tag matches nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (tag.strip() for line in request.headers.getlist("if-match") for tag in line.split(","))
    return frozenset(int(found[1]) for tag in tags if (found := OUR_ETAG.fullmatch(tag)))


Expected = Annotated[frozenset[int] | None, Depends(expected_versions)]
