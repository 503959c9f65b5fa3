"""What goes out: nobody is ever told a secret that is kept, and strangers learn nobody's address (S18)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.bodies import shapes
from tests.entrypoints.http.client import Api
from tests.entrypoints.http.matrix import REQUESTS, Caller, Cell, Operation, World, operations
from tests.entrypoints.http.people import People

APP = create_app(Settings(), in_memory=True)
DESCRIPTION = APP.openapi()
OPERATIONS = operations(APP)
ADMINISTRATOR = Caller("admin", frozenset({"*"}))
STRANGER = Caller("anonymous", credential="none")
DELICATE = re.compile("password|hash|digest|secret|seed|pepper|private|signature|mail|token|(^|_)keys?$", re.IGNORECASE)

TOLD: Mapping[str, set[str]] = {
    "UserView": {"email"},  # to themselves, and to who may read members
    "TokenAnswer": {"access_token", "refresh_token", "token_type", "device_token"},
    "ImpersonationAnswer": {"access_token", "token_type"},
    "IntrospectionAnswer": {"token_type"},
    "NewApiKey": {"key"},  # this once
    "NewWebhook": {"secret"},  # likewise
    "JwkSet": {"keys"},  # public ones
    "Choice": {"mail"},  # whether one wants any
    "PersonalDataAnswer": {"api_keys"},  # what they are called, and may
    "Metadata": {"token_endpoint", "token_endpoint_auth_methods_supported"},
}
"""The shapes of answers that have such fields, each with those that it has. There are no others."""

TOLD_STRANGERS = {"register", "accept_invitation"}
"""Where they read their own address, which they have just given."""


def test_only_few_shapes_have_delicate_fields() -> None:
    for operation in OPERATIONS:
        for schema in answers(operation):
            for name, fields in shapes(DESCRIPTION, schema):
                delicate = {field for field in fields if DELICATE.search(field)}
                assert delicate <= TOLD.get(name, set()), (
                    f"{operation.name} answers with {sorted(delicate)} in {name or 'a shape without a name'}. If that "
                    f"is meant, say so in TOLD in {__name__}."
                )


def test_nothing_that_strangers_may_ask_for_is_described_with_an_address() -> None:
    for operation in OPERATIONS:
        if is_open_to_strangers(operation) and operation.name not in TOLD_STRANGERS:
            fields = {field for schema in answers(operation) for _, of in shapes(DESCRIPTION, schema) for field in of}
            assert not {field for field in fields if "mail" in field}, operation.name


async def test_real_answers_show_what_is_described_and_strangers_no_address(api: Api) -> None:
    """Every operation, called well by an administrator and by a stranger, where there are members and their things."""
    people = People(api.application, api.clock)
    await people.settle()
    wrong = []
    for operation in OPERATIONS:
        described = {
            field for schema in answers(operation) for _, fields in shapes(DESCRIPTION, schema) for field in fields
        }
        for caller in (ADMINISTRATOR, STRANGER):
            world = await people.world_for(operation, caller)
            path = path_for(operation, caller, world, api)
            if path is None:
                continue
            answer = await api.http.request(
                operation.method, path, **{"headers": dict(world.headers), **REQUESTS[operation.name].body(world)}
            )
            assert answer.is_success, f"{operation.name}: {answer.text}"
            if not answer.headers.get("Content-Type", "").startswith("application/json"):
                continue
            undescribed = {name for name in keys(answer.json()) if DELICATE.search(name)} - described
            told_an_address = caller is STRANGER and operation.name not in TOLD_STRANGERS and "@" in answer.text
            if undescribed or told_an_address or "$2b$" in answer.text:
                wrong.append(f"{operation.name} tells {caller.name}: {answer.text}")
    assert not wrong, "\n".join(wrong)


def answers(operation: Operation) -> Iterator[Mapping[str, Any]]:
    """The shapes of what it answers where it does what was asked."""
    described = DESCRIPTION["paths"][operation.path][operation.method.lower()]
    for status, answer in described["responses"].items():
        if status.startswith("2"):
            for content in answer.get("content", {}).values():
                yield content.get("schema", {})


def is_open_to_strangers(operation: Operation) -> bool:
    return operation.takes_strangers or operation.rule.anybody


def path_for(operation: Operation, caller: Caller, world: World, api: Api) -> str | None:
    """Of something that this caller may do this to; None where there is nothing."""
    for whose in operation.targets:
        if Cell(operation, caller, whose).expected(world, api.clock.now()) is None:
            return world.path(operation.path, whose)
    return None


def keys(answer: Any) -> Iterator[str]:
    """At any depth."""
    if isinstance(answer, dict):
        yield from answer
    for below in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        yield from keys(below)
