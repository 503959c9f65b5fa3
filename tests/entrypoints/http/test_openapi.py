"""The description is complete, and what the service does agrees with it."""

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from domain.errors import CATEGORIES
from entrypoints.http.app import create_app
from entrypoints.http.errors import PROBLEM_JSON
from entrypoints.settings import Environment, Settings
from tests.architecture.sources import Source, last_name, sources
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.server import Server, run_in_memory

DESCRIPTION = create_app(Settings(), in_memory=True).openapi()
OPERATIONS = [
    (path, method, operation) for path, item in DESCRIPTION["paths"].items() for method, operation in item.items()
]

NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
SCHEMAS = DESCRIPTION["components"]["schemas"]
REF = "#/components/schemas/"

ERRORS = {category.__name__ for category in CATEGORIES} | {"Refusal"}
RAISING = ("domain", "application", "adapters", "entrypoints/http")
ELSEWHERE = {
    "entrypoints/http/live_commands.py",
    "entrypoints/http/routes/sockets.py",
    "entrypoints/http/routes/testing.py",
}
"""What is raised there goes to sockets, or is for tests."""
COMPOSED = {"order-not-paid", "order-not-placed"}
NOT_TOLD = {
    *("admin-exists", "audit-chain-forged", "bad-head", "operator-only", "revision-not-found"),  # commands
    *("another-secret", "backup-contradictory", "backup-damaged", "backup-too-new", "bad-passphrase"),
    *("database-not-empty", "database-too-new", "no-database", "file-not-found", "no-users"),
    *("bad-boolean", "bad-encoding", "bad-password-hash", "bad-quotes", "bad-time", "external-id-taken"),  # import rows
    *("broadcast-not-found", "importer-gone", "mail-refused", "mail-unavailable", "too-busy"),  # jobs
    *("filter-too-long", "search-too-long", "unknown-field"),  # what the shape of a request refuses before
    "not-in-room",  # sockets
}


def test_the_description_names_contact_licence_and_tags() -> None:
    assert DESCRIPTION["openapi"].startswith("3.1")
    assert DESCRIPTION["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    assert DESCRIPTION["info"]["contact"]["url"]
    described = {tag["name"] for tag in DESCRIPTION["tags"]}
    assert {tag for _, _, operation in OPERATIONS for tag in operation["tags"]} == described


def test_its_schemas_are_valid_and_its_references_lead_somewhere() -> None:
    for schema in SCHEMAS.values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    for reference in references(DESCRIPTION):
        assert found(reference), reference


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_has_a_tag_a_summary_and_its_errors(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["tags"]) == 1
    answers = set(operation["responses"])
    assert "500" in answers
    if "security" in operation:
        assert "401" in answers
    if "requestBody" in operation:
        assert answers >= {"408", "413"}
    if path.startswith("/api/"):
        assert answers >= {"429", "503"}
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "if-match" in names:
        assert "412" in answers
    if "idempotency-key" in names:
        assert "409" in answers
    if "{" in path and "OAuth 2" not in operation["tags"]:
        assert "404" in answers


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_every_problem_names_its_codes(path: str, method: str, operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if PROBLEM_JSON in answer.get("content", {}):
            assert answer["x-codes"], status
            assert all(f"`{code}`" in answer["description"] for code in answer["x-codes"]), status
            assert set(answer["x-codes"]) <= set(SCHEMAS["ProblemCode"]["enum"])
        elif int(status) >= 400:
            assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/OAuthError")


def test_every_code_that_a_request_can_be_answered_is_told() -> None:
    """Those that the sources raise, but for what only commands, sockets, jobs and the mode for tests do."""
    told = set(SCHEMAS["ProblemCode"]["enum"])
    raised = {code for source in sources(*RAISING) if source.name not in ELSEWHERE for code in codes_in(source)}
    assert raised - told == NOT_TOLD
    every_code = {code for source in sources() for code in texts_in(source)}
    assert told - COMPOSED <= every_code, "a code that nothing in the sources raises any more"


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_every_parameter_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]
        assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), parameter["name"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=NAMES)
def test_bodies_and_answers_have_named_shapes_and_examples(path: str, method: str, operation: dict[str, Any]) -> None:
    good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for holder in (operation.get("requestBody", {}), *good):
        for kind, media in holder.get("content", {}).items():
            if kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
                shape = SCHEMAS[media["schema"]["$ref"].removeprefix(REF)]
                assert shape.get("properties") or "examples" in shape or "additionalProperties" in shape
            elif media["schema"].get("format") != "binary":
                assert "example" in media or "$ref" in media["schema"], kind


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_has_an_example_that_is_valid(name: str) -> None:
    for field, schema in SCHEMAS[name].get("properties", {}).items():
        if schema.get("format") == "binary" or refers(schema):
            continue
        assert "enum" in schema or "const" in schema or schema.get("examples"), field
        whole = {**schema, "components": {"schemas": SCHEMAS}}
        for example in schema.get("examples", ()):
            jsonschema_rs.validate(whole, example, validate_formats=True)


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_shape_within_another_is_without_a_name(name: str) -> None:
    """Generators would invent one; a map from any name to a value needs none."""
    for part in parts(SCHEMAS[name], is_top=True):
        assert "properties" not in part, part


def test_what_is_left_out_of_a_change_has_no_default() -> None:
    for _, method, operation in OPERATIONS:
        if method == "patch":
            [media] = operation["requestBody"]["content"].values()
            shape = SCHEMAS[media["schema"]["$ref"].removeprefix(REF)]
            assert all("default" not in field for field in shape["properties"].values())


def test_operation_ids_are_unique_names() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert "register" in names
    assert all(name.isidentifier() and "api_v1" not in name for name in names)


def refers(schema: dict[str, Any]) -> bool:
    """To a shape that has a name."""
    return any("$ref" in part for part in parts(schema))


def parts(node: Any, *, is_top: bool = False) -> Iterator[dict[str, Any]]:
    """The schemas within one, at any depth; the schema itself, too, unless it is the top."""
    if isinstance(node, dict):
        if not is_top:
            yield node
        below = [*node.get("properties", {}).values()]
        below += [part for word in ("anyOf", "oneOf", "allOf", "prefixItems") for part in node.get(word, ())]
        below += [node[word] for word in ("items", "additionalProperties") if word in node]
        for part in below:
            yield from parts(part)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for below in node.values():
            yield from references(below)
    elif isinstance(node, list):
        for below in node:
            yield from references(below)


def found(reference: str) -> Any:
    node: Any = DESCRIPTION
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def codes_in(source: Source) -> Iterator[str]:
    """The first argument of every error that is made there, where it is written out."""
    for node in source.walk():
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.value if last_name(node.func) == "field" else node.func  # type: ignore[attr-defined]
            if last_name(called) in ERRORS:
                yield str(node.args[0].value)


def texts_in(source: Source) -> Iterator[str]:
    for node in source.walk():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture
async def production(tmp_path: Path) -> AsyncIterator[FastAPI]:
    app = create_app(
        Settings(
            environment=Environment.PRODUCTION,
            secret_key="Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg",
            data_dir=tmp_path,
        ),
        in_memory=True,
    )
    async with LifespanManager(app):
        yield app


async def test_documentation_is_off_in_production_unless_asked_for(production: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(production), base_url="http://testserver") as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert (await client.get(path)).status_code == 404


async def test_documentation_comes_from_our_own_files(api: Api) -> None:
    for page in ("//docs", "//redoc"):
        html = (await api.call("GET", page)).text
        assert "http://" not in html
        assert "https://" not in html
    assert (await api.call("GET", "//openapi.json")).json()["info"]["title"] == "Moothall"
    assert (await api.call("GET", "//docs/assets/swagger-ui.css")).headers["content-type"].startswith("text/css")
    assert (await api.call("GET", "//docs/assets/../app.py")).status_code == 404


# schemathesis: whatever is sent, no 5xx, and no answer that is not described

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]

SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_in_memory() as running:
        yield running


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in OPERATIONS])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_the_answer_is_described(server: Server, path: str, method: str, data: st.DataObject) -> None:
    case = data.draw(SCHEMA[path][method].as_strategy())
    token = {"Authorization": f"Bearer {server.admin_token()}"} if data.draw(st.booleans()) else {}
    answer = case.call(base_url=server.url, headers=token)
    case.validate_response(answer, checks=CHECKS)
