"""Routes that take what they declare and nothing else."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from entrypoints.http.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from entrypoints.http.plain import called, is_plain

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 65_536
"""Bytes; parsing a form takes longer than parsing JSON."""

MOST_FIELDS = 50
"""Of a form."""

TWICE = "This was sent more than once."

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """Unknown query parameters, whatever was sent twice and unreadable bodies are 422, another media type is 415."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if is_plain(self.dependant):
            self.app = self._answer_plainly

    async def _answer_plainly(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        if scope["query_string"]:
            _refuse_unknown_and_repeated(request, set())
        response: Response = await called(self.dependant, request, {})
        await response(scope, receive, send)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = _query_names(self.dependant)
        body = self.body_field
        required = body is not None and body.field_info.is_required()
        wanted = None if body is None else FORM if isinstance(body.field_info, Form) else JSON

        async def strictly(request: Request) -> Response:
            if request.scope["query_string"]:
                _refuse_unknown_and_repeated(request, known)
            if wanted is not None and media_type(request) != wanted and (required or "content-type" in request.headers):
                raise UnsupportedMediaType(wanted)
            if wanted == FORM and len(await request.body()) > LARGEST_FORM:
                raise BodyTooLarge(LARGEST_FORM)
            if wanted is not None:
                _refuse_repeated_fields(await request.body(), wanted)
            try:
                return await handle(request)
            except HTTPException as error:
                if error.status_code == HTTPStatus.BAD_REQUEST:
                    raise MalformedBody from error
                raise

        return strictly


def operation_id(route: APIRoute) -> str:
    """The function's name: what a generated client calls the operation."""
    return route.name


def _query_names(dependant: Dependant) -> set[str]:
    """The query parameters of a route and of all that it depends on."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(below) for below in dependant.dependencies))


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def charset(request: Request) -> str | None:
    """What the body says that it is written in, in small letters."""
    headers = Message()
    headers["content-type"] = request.headers.get("content-type", "")
    return headers.get_content_charset()


def _refuse_unknown_and_repeated(request: Request, known: set[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    problems = [(name, "There is no such query parameter here.") for name in names if name not in known]
    problems += [(name, TWICE) for name in _repeated(names) if name in known]
    if problems:
        raise _invalid("query", problems)


def _refuse_repeated_fields(body: bytes, kind: str) -> None:
    """What cannot be read at all is left to whoever reads it for its fields."""
    try:
        if kind == JSON:
            json.loads(body, object_pairs_hook=_unique)
        else:
            _unique(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (ValueError, RecursionError):
        return


def _unique(pairs: Sequence[tuple[str, object]]) -> None:
    """Called for each object in a body, of which a hostile one has hundreds of thousands: so it counts first."""
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise _invalid("body", [(name, TWICE) for name in _repeated(name for name, _ in pairs)])


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _invalid(where: str, problems: Iterable[tuple[str, str]]) -> RequestValidationError:
    return RequestValidationError([{"loc": (where, name), "msg": message} for name, message in problems])
