"""Routes that want nothing of a request but to know who sent it.

Whether a route has parameters, FastAPI asks at each request, of it and of all that it depends on: for a small answer
that is half of the work. Where there are none, what it depends on is called as it is.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant

PARAMETERS = (
    "path_params",
    "query_params",
    "header_params",
    "cookie_params",
    "body_params",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
    "concurrency",
)


def is_plain(dependant: Dependant) -> bool:
    """Whether it and all that it depends on are coroutine functions of the request alone."""
    return (
        not any(getattr(dependant, name) for name in PARAMETERS)
        and dependant.call is not None
        and (iscoroutinefunction(dependant.call) or iscoroutinefunction(type(dependant.call).__call__))
        and all(is_plain(below) for below in dependant.dependencies)
    )


async def called(dependant: Dependant, request: Request, found: dict[Callable[..., Any], Any]) -> Any:
    """What it returns; `found` holds what was called for this request already."""
    assert dependant.call is not None  # noqa: S101
    if dependant.call in found:
        return found[dependant.call]
    given = {str(below.name): await called(below, request, found) for below in dependant.dependencies}
    if dependant.request_param_name is not None:
        given[dependant.request_param_name] = request
    result = found[dependant.call] = await dependant.call(**given)
    return result
