"""What each category of error is on the wire: one table, one shape (RFC 9457)."""

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from domain.errors import (
    Conflict,
    Denied,
    FieldProblem,
    Invalid,
    MoothallError,
    NotFound,
    Stale,
    Throttled,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger("moothall.http")

PROBLEM_JSON = "application/problem+json"

STATUS_OF: Mapping[type[MoothallError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Denied: HTTPStatus.FORBIDDEN,
    Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ProblemItem(BaseModel):
    pointer: str = Field(examples=["/email"], description="An RFC 6901 pointer into the input.")
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable and meant for programs, `detail` for people."""

    type: str = Field(examples=["urn:moothall:problem:email-taken"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str
    instance: str = Field(examples=["/api/v1/auth/register"])
    code: str = Field(examples=["email-taken"])
    request_id: str
    errors: list[ProblemItem] | None = Field(default=None, description="For invalid input: what is wrong, and where.")


class MalformedBody(HTTPException):
    def __init__(self) -> None:
        super().__init__(HTTPStatus.UNPROCESSABLE_ENTITY, "The body cannot be read.")


class UnsupportedMediaType(HTTPException):
    def __init__(self, wanted: str) -> None:
        super().__init__(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send this as {wanted}.", {"Accept": wanted})


class BodyTooLarge(HTTPException):
    def __init__(self, limit: int) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request body has {limit} bytes at most.")


class BodyTooSlow(HTTPException):
    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time.", {"Connection": "close"})


TITLES: Mapping[int, str] = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
"""Python 3.13 calls these otherwise; answers are alike on every Python."""

CODE_OF_STATUS: Mapping[int, str] = {
    HTTPStatus.REQUEST_TIMEOUT: "body-too-slow",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body-too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "malformed-body",
}


def problem(
    scope: Mapping[str, Any],
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    problems: tuple[FieldProblem, ...] = (),
) -> Response:
    """The answer that says what is wrong. `scope` is the request's ASGI scope."""
    content: dict[str, Any] = {
        "type": f"urn:moothall:problem:{code}",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "instance": scope["path"],
        "code": code,
        "request_id": scope["state"]["request_id"],
    }
    if problems:
        content["errors"] = [{"pointer": item.pointer, "detail": item.detail} for item in problems]
    return Response(json.dumps(content), status, headers, PROBLEM_JSON)


def headers_of(error: MoothallError) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer error="invalid_token"' if error.presented else "Bearer"}
    if isinstance(error, Throttled | Unavailable):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return {}


def install(app: FastAPI) -> None:
    """Give every kind of failure its one shape."""
    app.add_exception_handler(MoothallError, _product_error)
    app.add_exception_handler(RequestValidationError, _invalid_input)
    app.add_exception_handler(HTTPException, _http_error)


async def _product_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MoothallError)  # noqa: S101
    return problem(
        request.scope,
        STATUS_OF[type(error)],
        error.code,
        error.detail,
        headers=headers_of(error),
        problems=error.problems if isinstance(error, Invalid) else (),
    )


async def _invalid_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if any(item.get("type") == "json_invalid" for item in error.errors()):
        return await _http_error(request, MalformedBody())
    problems = tuple(
        FieldProblem(_pointer(item["loc"]), str(item["msg"]).removeprefix("Value error, ")) for item in error.errors()
    )
    return problem(
        request.scope,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-input",
        "; ".join(f"{item.pointer or 'the body'}: {item.detail}" for item in problems[:3]),
        problems=problems,
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = CODE_OF_STATUS.get(error.status_code, "http-error")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _methods_of(request)
    return problem(request.scope, error.status_code, code, str(error.detail), headers=headers)


def _methods_of(request: Request) -> str:
    """All methods of the resource (RFC 9110, section 10.2.1), not only those of the first route that has its path."""
    routes = (route for route in request.app.routes if route.path_regex.match(request.scope["path"]))
    methods = set().union(*(getattr(route, "methods", ()) for route in routes))  # sockets have none
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _pointer(location: tuple[int | str, ...]) -> str:
    """From where pydantic found it (`("body", "email")`) to a pointer; a body as a whole is the empty one."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location[1:])
