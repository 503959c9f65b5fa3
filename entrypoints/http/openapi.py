"""The description of the API: what every operation may answer, told once."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from application.app import use_cases
from entrypoints.http import event_catalogue
from entrypoints.http.errors import PROBLEM_JSON, Problem
from entrypoints.http.security import API_KEY_HEADER, OptionalCredentials

Responses = dict[int | str, dict[str, Any]]

TAGS = [
    {"name": "Signing in", "description": "Register, sign in, stay signed in, sign out."},
    {"name": "Links in mails", "description": "What the links do that are mailed to members."},
    {"name": "Sessions", "description": "Where one is signed in; every sign-in is a session that can be ended."},
    {"name": "My account", "description": "What members see and change of themselves."},
    {"name": "Profiles", "description": "What members show of themselves, pictures too; everybody may see it."},
    {"name": "Administration of members", "description": "Other members' accounts; each use needs a permission."},
    {"name": "Imports", "description": "Members brought in from CSV files, and what became of each row."},
    {"name": "Roles and permissions", "description": "What may be allowed, and the roles that allow it."},
    {"name": "Posts", "description": "What members write: drafts for themselves, posts for everybody."},
    {"name": "API keys", "description": "What a member's programs sign in with."},
    {"name": "Audit trail", "description": "Who did what to whom, when and from where."},
    {"name": "Jobs", "description": "What is done in the background, how far it is, and what became of it."},
    {
        "name": "Outbox",
        "description": "What should have followed from events (mails, above all), and failed too often.",
    },
    {"name": "Products", "description": "What is for sale; open to everybody."},
    {"name": "Orders", "description": "What members buy, how it is paid, and what becomes of it."},
    {"name": "Notifications", "description": "What members are told, and what they want to be told."},
    {"name": "Live", "description": "Rooms that members talk in, and what opens a live connection."},
    {"name": "Webhooks", "description": "Other services that are told what happens here, and what was sent to them."},
    {"name": "OAuth 2", "description": "RFC 6749, 7009, 7662, 8414 and 7517, for clients that speak them."},
    {"name": "System", "description": "For whoever runs this."},
]

RULES = {name: kind.rule for name, kind in use_cases()}

MEANING = {
    400: "The request is not one that RFC 6749 knows.",
    401: "Nobody is signed in, or the token is not (or no longer) good.",
    403: "The caller may not do this.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "It is there already, or not in a state that allows this.",
    412: "`If-Match` names a version that is no longer the current one.",
    413: "The body is too large.",
    415: "The body is of another media type than the one wanted.",
    422: "The input is malformed or breaks a rule; `errors` says where.",
    429: "There were too many; `Retry-After` says when to try again.",
    503: "The database or another part is away or overloaded; `Retry-After` says when to try again.",
}

_API_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": API_KEY_HEADER,
    "description": "A member's API key. What members only do themselves refuses it (403 `not-in-person`).",
}

_RATE_LIMIT = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'What a caller has: `"default";q=100;w=60`.'},
    "RateLimit": {"schema": {"type": "string"}, "description": 'What is left, and how long: `"default";r=57;t=12`.'},
}

_PROBLEM = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OAUTH_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}}
_OAUTH_ERROR_SCHEMA = {
    "title": "OAuthError",
    "description": "RFC 6749, section 5.2.",
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string", "examples": ["invalid_grant"]},
        "error_description": {"type": "string"},
    },
}


def problems(*statuses: int, use_case: str | None = None) -> Responses:
    """What an operation may answer besides what its input, its security and the store bring with them; and to whom the
    use case behind it is open."""
    meanings = {status: MEANING[status] for status in statuses}
    if use_case is not None:
        meanings[403] = f"This is for {RULES[use_case]}."
    return {status: {"description": meaning, "content": _PROBLEM} for status, meaning in meanings.items()}


def oauth_errors(*statuses: int) -> Responses:
    return {status: {"description": MEANING[status], "content": _OAUTH_ERROR} for status in statuses}


def form_body(*, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    """The description of a form that a route reads by itself."""
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}}


def file_body(name: str, *, description: str) -> dict[str, Any]:
    """The description of a form with one file in it that a route reads by itself."""
    file = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    schema = {"type": "object", "required": [name], "properties": {name: file | {"description": description}}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document (3.1), made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=TAGS,
            contact=app.contact,
            license_info=app.license_info,
        )
        schemas = document["components"]["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        schemas["OAuthError"] = _OAUTH_ERROR_SCHEMA
        document["components"]["securitySchemes"]["ApiKey"] = _API_KEY
        optional = set(_names_open_to_strangers(app))
        for path, operation in _operations(document):
            if operation["operationId"] in optional:
                operation["security"].append({})
            _complete(operation, under_api=path.startswith("/api/"))
        document["webhooks"] = event_catalogue.described()
        app.openapi_schema = document
    return app.openapi_schema


def _names_open_to_strangers(app: FastAPI) -> Iterator[str]:
    """The operations that take credentials, and do without."""
    for route in app.routes:
        if isinstance(route, APIRoute) and any(
            isinstance(below.call, OptionalCredentials) for below in route.dependant.dependencies
        ):
            yield route.name


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _complete(operation: dict[str, Any], *, under_api: bool) -> None:
    """Add what follows from the kind of the operation: a body, a caller, the store behind it."""
    responses = operation["responses"]
    if "OAuth 2" in operation["tags"]:
        responses.pop("422", None)
        if "requestBody" in operation:
            responses.update(_as_text_keys(problems(413)))
        return
    implied = [422]
    if "requestBody" in operation:
        implied += [413, 415]
    if "security" in operation:
        implied += [401, 403]
        operation["security"].append({"ApiKey": []})
    if under_api:
        implied += [429, 503]
    responses.pop("422", None)
    for status, response in _as_text_keys(problems(*implied)).items():
        responses.setdefault(status, response)
    for status, response in responses.items():
        headers = response.setdefault("headers", {})
        headers["X-Request-ID"] = {"schema": {"type": "string"}, "description": "The request's id, for whoever helps."}
        if status == "401":
            headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
        if under_api:
            headers.update(_RATE_LIMIT)
        if status in ("429", "503"):
            headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds."}
    operation["responses"] = dict(sorted(responses.items()))


def _as_text_keys(responses: Responses) -> dict[str, dict[str, Any]]:
    return {str(int(status)): response for status, response in responses.items()}
