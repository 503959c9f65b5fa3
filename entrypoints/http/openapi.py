"""The description of the API: what every operation may answer, told once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from entrypoints.http import event_catalogue, examples, problem_codes
from entrypoints.http.errors import PROBLEM_JSON, Problem
from entrypoints.http.problem_codes import USE_CASES
from entrypoints.http.schemas import tidy
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

MEANING = {
    400: "The request is not one that RFC 6749 knows.",
    401: "Nobody is signed in, or the token is not (or no longer) good.",
    403: "The caller may not do this.",
    404: "There is no such thing, or the caller may not know of it.",
    408: "The body did not come in time.",
    409: "It is there already, or not in a state that allows this.",
    412: "`If-Match` names a version that is no longer the current one.",
    413: "The body is too large.",
    415: "The body is of another media type than the one wanted.",
    422: "The input is malformed or breaks a rule; `errors` says where.",
    429: "There were too many; `Retry-After` says when to try again.",
    500: "Something went wrong here; `X-Request-ID` helps to find out what.",
    503: "The database or another part is away or overloaded; `Retry-After` says when to try again.",
}

_API_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": API_KEY_HEADER,
    "description": "A member's API key. What members only do themselves refuses it (403 `not-in-person`).",
}

_HEADERS = {
    "X-Request-ID": {"schema": {"type": "string"}, "description": "The request's id, for whoever helps."},
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "`Bearer`, and what is wrong with a token."},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'What a caller has: `"default";q=100;w=60`.'},
    "RateLimit": {"schema": {"type": "string"}, "description": 'What is left, and how long: `"default";r=57;t=12`.'},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."},
    "ETag": {"schema": {"type": "string"}, "description": "The version that this is, for `If-Match`."},
    "Location": {"schema": {"type": "string"}, "description": "Where what was made is, or what becomes of it."},
    "Link": {"schema": {"type": "string"}, "description": 'The next page, `rel="next"`; none behind the last one.'},
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "Where this request was answered before, and this is that answer.",
    },
}

_CODE = {
    "title": "ProblemCode",
    "type": "string",
    "description": "What this version says that went wrong; later ones may say more. Each operation names its own.",
}
_OAUTH_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}}
_OAUTH_ERROR_SCHEMA = {
    "title": "OAuthError",
    "description": "RFC 6749, section 5.2.",
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string", "examples": ["invalid_grant"]},
        "error_description": {"type": "string", "examples": ["The refresh token is not good any more."]},
    },
}


def problems(*statuses: int, use_case: str | None = None, codes: Mapping[int, Iterable[str]] = {}) -> Responses:
    """What an operation may answer besides what its input, its security and the store bring with them: what the use
    case behind it raises and to whom it is open, and `codes` by status that the route itself decides."""
    found = {} if use_case is None else problem_codes.of_use_case(use_case)
    for status, more in codes.items():
        found.setdefault(status, set()).update(more)
    answers: Responses = {status: _problem(status, found.get(status, ())) for status in {*statuses, *found}}
    if use_case is not None and 403 in answers and not USE_CASES[use_case].rule.anybody:
        answers[403]["description"] = f"This is for {USE_CASES[use_case].rule}."
    return answers


def oauth_errors(*statuses: int) -> Responses:
    return {status: {"description": MEANING[status], "content": _OAUTH_ERROR} for status in statuses}


def form_body(title: str, *, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    """The description of a form that a route reads by itself; `title` is what generated clients call it."""
    schema = {"title": title, "type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}}


def file_schema(title: str, name: str, *, media_type: str, description: str) -> dict[str, Any]:
    """Of a form with one file in it, in the field of that name."""
    file = {"type": "string", "format": "binary", "contentMediaType": media_type, "description": description}
    return {"title": title, "type": "object", "required": [name], "properties": {name: file}}


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
            servers=[{"url": "/", "description": "Where this description is served."}],
        )
        document["security"] = []
        components = document["components"]
        schemas = components["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        problem["properties"]["code"] |= {"anyOf": [{"$ref": "#/components/schemas/ProblemCode"}, {"type": "string"}]}
        del problem["properties"]["code"]["type"]
        schemas["Problem"] = problem
        schemas["OAuthError"] = _OAUTH_ERROR_SCHEMA
        components["securitySchemes"]["ApiKey"] = _API_KEY
        components["headers"] = _HEADERS
        optional = set(_names_open_to_strangers(app))
        for path, item in document["paths"].items():
            is_versioned = any(_parameter(operation, "if-match") for operation in item.values())
            for operation in item.values():
                _complete(path, operation, open_to_strangers=operation["operationId"] in optional)
                _add_headers(path, operation, is_versioned=is_versioned)
        schemas["ProblemCode"] = _CODE | {"enum": sorted(set(_codes(document)))}
        tidy(document)
        examples.fill(components["schemas"])
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


def _complete(path: str, operation: dict[str, Any], *, open_to_strangers: bool) -> None:
    """Add what follows from the kind of the operation: a body, a caller, the store behind it."""
    responses = operation["responses"]
    if "x-codes" not in responses.get("422", {}):
        responses.pop("422", None)  # FastAPI's own
    codes = problem_codes.of_request(path, operation, open_to_strangers=open_to_strangers)
    if "security" in operation:
        operation["security"].append({"ApiKey": []})
    if open_to_strangers:
        operation["security"].append({})
    for status, more in codes.items():
        answer = responses.setdefault(str(status), _problem(status, ()))
        answer.setdefault("content", {}).update(_problem_content())
        answer["x-codes"] = sorted({*answer.get("x-codes", ()), *more})
    for answer in responses.values():
        if found := answer.get("x-codes"):
            answer["description"] += f" `code`: {', '.join(f'`{code}`' for code in found)}."
    operation["responses"] = dict(sorted(responses.items()))


def _add_headers(path: str, operation: dict[str, Any], *, is_versioned: bool) -> None:
    answers = operation["responses"]
    for status, answer in answers.items():
        names = ["X-Request-ID"]
        if path.startswith("/api/"):
            names += ["RateLimit-Policy", "RateLimit"]
        if status == "401":
            names.append("WWW-Authenticate")
        if status in ("429", "503"):
            names.append("Retry-After")
        if status == "201" or (status == "202" and "content" in answer and "200" not in answers):
            names.append("Location")
        if is_versioned and status in ("200", "201"):
            names.append("ETag")
        if status == "200" and _parameter(operation, "cursor"):
            names.append("Link")
        if status.startswith("2") and _parameter(operation, "idempotency-key"):
            names.append("Idempotency-Replayed")
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _parameter(operation: Mapping[str, Any], name: str) -> bool:
    return any(parameter["name"] == name for parameter in operation.get("parameters", ()))


def _codes(document: Mapping[str, Any]) -> Iterator[str]:
    for item in document["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values():
                yield from answer.get("x-codes", ())


def _problem(status: int, codes: Iterable[str]) -> dict[str, Any]:
    return {"description": MEANING[status], "content": _problem_content(), "x-codes": sorted(codes)}


def _problem_content() -> dict[str, Any]:
    return {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
