"""docs/reference/http.md: every operation of the API, by the parts of the product."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.project.reference import markdown
from tests.project.reference.schemas import document, meaning_of, type_of

SCHEMAS = "schemas.md"
METHODS = ("get", "post", "put", "patch", "delete")

EVERYWHERE: Mapping[str, str] = {
    "internal-error": "any request, when something is wrong in the server itself",
    "overloaded": "any request but `/health` and `/metrics`, when more comes than can be done",
    "too-many-requests": "any request below `/api/`, beyond the [limit](../limits.md)",
    "database-unavailable": "any request below `/api/`, while the database does not answer",
    "not-signed-in": "where one has to be signed in, to a stranger",
    "bad-token": "with an access token that is not (or no longer) good",
    "bad-api-key": "with an API key that is not (or no longer) good",
    "two-credentials": "with a token and a key at once",
    "invalid-input": "with a parameter or a body that is not as described; `errors` says where",
    "malformed-body": "with a body that cannot be read",
    "unsupported-media-type": "with a body of another media type",
    "body-too-large": "with a body that is too large (`MOOTHALL_MAX_BODY_SIZE`)",
    "body-too-slow": "with a body that does not come in time",
}
"""What operations have in common is told once."""

INTRODUCTION = """\
Everything below is under the address of the server, such as `http://127.0.0.1:8000`. Bodies are JSON where nothing else
is said. A server describes itself at `/openapi.json` and shows it at `/docs` (not in production, unless `MOOTHALL_DOCS`
says so); `moothall openapi` prints the same description.

**Who is calling** is said by `Authorization: Bearer` with an access token, or by `X-API-Key` with an API key.
[Who may do what](../access.md) has the permissions.

**Errors** are `application/problem+json` (RFC 9457) with a `code` for programs and a `detail` for people;
[Errors](errors.md) has them all. Those below are answered by many operations, and not named again at each:"""

CONVENTIONS = """\
**Versions.** Where an answer has an `ETag`, the change takes `If-Match`: 412 `stale-version` if it is not that version
any more.

**Repetitions.** Where `Idempotency-Key` is taken, the same request with the same key has one effect and one answer for
24 hours; the repeated answer has `Idempotency-Replayed: true`.

**Lists** take `page` and `page_size`, or `cursor` (`next_cursor` of the page before; empty for the first one, without
counting), and `sort` by the field that is named, with a `-` turned round.

**Headers.** Every answer has `X-Request-ID`; those below `/api/` have `RateLimit-Policy` and `RateLimit`; 429 and 503
have `Retry-After`, in seconds."""


def page() -> str:
    described = document()
    common = markdown.table(["code", "answered to"], [[markdown.code(code), to] for code, to in EVERYWHERE.items()])
    parts = (part for tag in described["tags"] for part in _of_tag(described, tag))
    return markdown.page("HTTP API", INTRODUCTION, common, CONVENTIONS, *parts)


def _of_tag(described: Mapping[str, Any], tag: Mapping[str, str]) -> Iterator[str]:
    found = [
        (method, path, operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in METHODS and operation["tags"][0] == tag["name"]
    ]
    if found:
        yield f"## {tag['name']}\n\n{tag['description']}"
    for method, path, operation in found:
        yield _operation(method, path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f"### {operation['summary']}",
        f"`{method.upper()} {path}` · {_who(operation)}",
        markdown.paragraph(operation.get("description")),
        markdown.table(["parameter", "in", "type", "what it is"], map(_parameter, operation.get("parameters", ()))),
        _body(operation.get("requestBody")),
        markdown.table(["answer", "what it holds", "codes"], _answers(operation)),
    ]
    return "\n\n".join(part for part in parts if part)


def _who(operation: Mapping[str, Any]) -> str:
    security = operation.get("security", [])
    if not security:
        return "open to everybody"
    told: str = operation["responses"].get("403", {}).get("description", "").partition(" `code`:")[0]
    if told.startswith("This is for "):
        return told.removeprefix("This is ").removesuffix(".")
    return "open to strangers; who is signed in may see more" if {} in security else "for who is signed in"


def _parameter(parameter: Mapping[str, Any]) -> list[str]:
    name = parameter["name"] if parameter["in"] != "header" else parameter["name"].title()
    optional = "" if parameter["required"] or parameter["in"] == "header" else ", optional"
    schema = {**parameter["schema"], "description": parameter.get("description", "")}
    return [markdown.code(name), f"{parameter['in']}{optional}", type_of(schema, within=SCHEMAS), meaning_of(schema)]


def _body(body: Mapping[str, Any] | None) -> str:
    if body is None:
        return ""
    shapes = [
        f"`{media}`: {type_of(shape.get('schema', {}), within=SCHEMAS)}" for media, shape in body["content"].items()
    ]
    return f"Body{'' if body.get('required') else ' (optional)'}: {'; '.join(shapes)}."


def _answers(operation: Mapping[str, Any]) -> Iterator[list[str]]:
    for status, answer in operation["responses"].items():
        codes = [code for code in dict.fromkeys(answer.get("x-codes", ())) if code not in EVERYWHERE]
        content = {
            media: shape for media, shape in answer.get("content", {}).items() if media != "application/problem+json"
        }
        if not content and "x-codes" in answer and not codes:
            continue
        holds = "; ".join(
            type_of(shape.get("schema", {}), within=SCHEMAS) if media == "application/json" else f"`{media}`"
            for media, shape in content.items()
        )
        said = answer["description"].partition(" `code`:")[0]
        if said == "Successful Response" or "x-codes" in answer:
            said = ""
        yield [status, "; ".join(filter(None, [holds, said])), ", ".join(map(markdown.code, codes))]
