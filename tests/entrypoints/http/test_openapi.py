"""The description is complete, and what the service does agrees with it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
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

from entrypoints.http.app import create_app
from entrypoints.settings import Environment, Settings
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.server import Server, run_in_memory

DESCRIPTION = create_app(Settings(), in_memory=True).openapi()
OPERATIONS = [
    (path, method, operation) for path, item in DESCRIPTION["paths"].items() for method, operation in item.items()
]


def test_the_description_names_contact_licence_and_tags() -> None:
    assert DESCRIPTION["openapi"].startswith("3.1")
    assert DESCRIPTION["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    assert DESCRIPTION["info"]["contact"]["url"]
    described = {tag["name"] for tag in DESCRIPTION["tags"]}
    assert {tag for _, _, operation in OPERATIONS for tag in operation["tags"]} == described


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:60])
def test_every_operation_has_a_summary_and_its_errors(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    answers = set(operation["responses"])
    if "security" in operation:
        assert "401" in answers
    if "requestBody" in operation:
        assert "413" in answers
    if path.startswith("/api/"):
        assert "503" in answers


def test_operation_ids_are_unique_names() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert "register" in names
    assert all(name.isidentifier() and "api_v1" not in name for name in names)


def test_bodies_have_examples() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    for name in ("Registration", "LoginForm", "NewUser", "UserChanges", "Roles", "MyChanges", "PasswordChange"):
        assert any("examples" in field for field in schemas[name]["properties"].values()), name


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
