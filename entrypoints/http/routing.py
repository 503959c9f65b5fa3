"""Routes that take what they declare and nothing else."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from entrypoints.http.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 65_536
"""Bytes; parsing a form takes longer than parsing JSON."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """Unknown query parameters and unreadable bodies are 422, another media type is 415."""

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


def _refuse_unknown_and_repeated(request: Request, known: set[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    problems = [(name, "There is no such query parameter here.") for name in names if name not in known]
    problems += [(name, "This was sent more than once.") for name in sorted(known) if names.count(name) > 1]
    if problems:
        raise RequestValidationError([{"loc": ("query", name), "msg": message} for name, message in problems])
