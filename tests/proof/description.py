"""The description of the API as schemathesis is given it: with what its words say said as schemas too.

Most rules about text stand in the domain and, for readers, in the words of the description. A tool reads schemas alone:
without these refinements nearly all that it makes up would be refused, and nothing behind the door would be tried.
None of them makes anything valid that the document calls invalid.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.schemas import OpenApiSchema

from application.app import rules
from domain.webhooks.catalogue import EVENTS
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD

Schema = dict[str, Any]

ETAG = {"enum": ['"1"', '"2"', '"3"']}
IDEMPOTENCY_KEY = {"format": "idempotency-key"}
EXPIRY = {"format": "in-a-while"}
LINE = {"format": "line"}
PASSWORD_FIELD = {"format": "good-password"}
PERMISSIONS = sorted({"*", *(permission.name for rule in rules() for permission in rule.permissions)})

BEARER = {"type": "http", "scheme": "bearer"}
"""What there is of OAuth 2 in a request. Of credentials that are said to be of OAuth 2 no check takes notice."""

FOR_SALE = ("mug", "cup", "tea")
"""What there is from the beginning."""

FIELDS: Mapping[str, Schema] = {
    "username": {"pattern": "^[A-Za-z0-9_]{3,50}$"},
    "first_name": LINE,
    "last_name": LINE,
    "password": PASSWORD_FIELD,
    "current_password": PASSWORD_FIELD,
    "new_password": PASSWORD_FIELD,
    "title": LINE,
    "NewProduct.name": LINE,
    "ProductChanges.name": LINE,
    "KeyRequest.name": LINE,
    "description": LINE,
    "bio": LINE,
    "content": {"format": "line", "maxLength": 100_000},
    "body": LINE,
    "website": {"format": "website"},
    "url": {"format": "receiver"},
    "NewRole.name": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$"},
    "NewRoom.name": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 50},
    "permission": {"enum": PERMISSIONS},
    "permissions": {"items": {"enum": PERMISSIONS}},
    "roles": {"items": {"enum": ["admin", "member"]}},
    "events": {"items": {"enum": sorted(EVENTS)}, "minItems": 1},
    "sku": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    "LineRequest.sku": {"enum": list(FOR_SALE)},
    "price": {"minimum": 0, "maximum": 10**12},
    "stock": {"minimum": 0, "maximum": 10**12},
    "quantity": {"minimum": 1, "maximum": 10**6},
    "currency": {"enum": ["EUR", "USD"]},
    "gateway": {"enum": ["manual", "sandbox"]},
    "outcome": {"enum": ["succeed", "fail", "late", "twice"]},
    "expires_at": EXPIRY,
}
"""By the name of a field of a body, or by that and its schema's."""

PARAMETERS: Mapping[str, Schema] = {
    "if-match": ETAG,
    "idempotency-key": IDEMPOTENCY_KEY,
    "cursor": {"enum": [""]},
    "page": {"maximum": 100},
    "currency": {"enum": ["EUR", "USD"]},
    "since": {"format": "date-time"},
}
"""By the name of a parameter."""


@dataclass(frozen=True)
class Link:
    """From a successful answer of one operation to another one: what of it goes into which parameters and fields."""

    source: str
    target: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    def add_to(self, document: Schema) -> None:
        [operation] = [found for _, _, found in operations(document) if found["operationId"] == self.source]
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                link = {"operationId": self.target, "parameters": dict(self.parameters)}
                answer.setdefault("links", {})[self.target] = link | ({"requestBody": self.body} if self.body else {})


ID = "$response.body#/id"
DELIVERY = {"webhook_id": "$request.path.webhook_id", "delivery_id": "$response.body#/items/0/id"}
LINKS = [
    Link("register", "log_in", body={"username": "$response.body#/email", "password": "$request.body#/password"}),
    Link("register", "forgot_password", body={"email": "$response.body#/email"}),
    Link("register", "request_verification", body={"email": "$response.body#/email"}),
    Link("log_in", "refresh", body={"refresh_token": "$response.body#/refresh_token"}),
    Link("log_in", "revoke", body={"token": "$response.body#/refresh_token"}),
    Link("log_in", "introspect", body={"token": "$response.body#/access_token"}),
    Link("log_in", "token", body={"grant_type": "refresh_token", "refresh_token": "$response.body#/refresh_token"}),
    Link("create_user", "send_notification", body={"user_id": ID}),
    Link("create_product", "show_product", {"sku": "$response.body#/sku"}),
    Link("create_product", "update_product", {"sku": "$response.body#/sku"}),
    Link("create_product", "delete_product", {"sku": "$response.body#/sku"}),
    Link("create_product", "place_order", body={"lines": [{"sku": "$response.body#/sku", "quantity": 1}]}),
    Link("show_me", "create_product"),
    Link("open_ticket", "live_events", {"ticket": "$response.body#/ticket"}),
    Link("list_webhook_deliveries", "show_webhook_delivery", DELIVERY),
    Link("list_webhook_deliveries", "replay_webhook_delivery", DELIVERY),
]

CONFIG: Schema = {"generation": {"with-security-parameters": False, "allow-x00": True}}

lines = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)
FORMATS: Mapping[str, st.SearchStrategy[str]] = {
    "line": lines.filter(lambda text: bool(text.strip())),
    "email": st.integers(0, 10**9).map(lambda number: f"m{number}@example.com"),
    "good-password": st.sampled_from([PASSWORD, ANOTHER_PASSWORD]),
    "idempotency-key": st.uuids().map(str),
    "in-a-while": st.integers(2100, 2999).map(lambda year: f"{year}-01-01T00:00:00Z"),
    "website": st.integers(0, 10**6).map(lambda number: f"https://example.com/{number}"),
    "receiver": st.integers(0, 10**6).map(lambda number: f"http://127.0.0.1:9/{number}"),
}
OUR_FORMATS = frozenset(
    {"idempotency-key", *(name.rpartition(".")[2] for name, rule in FIELDS.items() if rule.get("format") in FORMATS)}
)
"""The fields and parameters of formats that say what to try, and not what is allowed."""
_SORTS = re.compile(r"One of ([a-z_, ]+); a - turns it round")


def described() -> Schema:
    """The document, refined."""
    document: Schema = create_app(Settings(), in_memory=True).openapi()
    document["components"]["securitySchemes"]["BearerToken"] = BEARER
    for name in _names_of_bodies(document):
        for part, below in document["components"]["schemas"][name].get("properties", {}).items():
            _refine(below, FIELDS.get(f"{name}.{part}", FIELDS.get(part, {})))
    for form in _forms(document):
        form.setdefault("additionalProperties", {"type": "string"})
        for name, below in form["properties"].items():
            for variant in below.pop("anyOf", ()):
                below.update(variant if variant["type"] != "null" else {})
            if name in form["required"] and "enum" not in below:
                below["minLength"] = 1  # what is empty in a form was left out
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            _refine(parameter["schema"], PARAMETERS.get(parameter["name"], {}))
            if sorts := _SORTS.match(parameter["schema"].get("description", "")):
                names = sorts[1].split(", ")
                _refine(parameter["schema"], {"enum": [*names, *(f"-{name}" for name in names)]})
    return document


def operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def schema() -> OpenApiSchema:
    """What schemathesis makes of the document, with links to every operation.

    Those to which neither we nor schemathesis know a way from another one's answer are tried by whoever is signed in.
    """
    for name, strategy in FORMATS.items():
        schemathesis.openapi.format(name, strategy)
    document = described()
    for link in LINKS:
        link.add_to(document)
    known: Any = _loaded(document).as_state_machine()
    reached = set(known._root_labels)
    reached |= {link.target.label for below in known._transitions.operations.values() for link in below.outgoing}
    for path, method, operation in operations(document):
        if f"{method.upper()} {path}" not in reached:
            Link("show_me", operation["operationId"]).add_to(document)
    return _loaded(document)


def _loaded(document: Schema) -> OpenApiSchema:
    return schemathesis.openapi.from_dict(copy.deepcopy(document), config=schemathesis.Config.from_dict(CONFIG))


def _names_of_bodies(document: Schema) -> set[str]:
    """Of all schemas that there are within bodies of JSON. A form has text alone, which is right or is not."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            name = value.get("$ref", "").rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                walk(document["components"]["schemas"][name])
            for below in value.values():
                walk(below)
        elif isinstance(value, list):
            for below in value:
                walk(below)

    for _, _, operation in operations(document):
        walk(operation.get("requestBody", {}).get("content", {}).get("application/json", {}))
    return found


def _forms(document: Schema) -> Iterator[Schema]:
    """The schemas of forms: their fields are text, which may be left out, and never null."""
    for _, _, operation in operations(document):
        if form := operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded"):
            schema = form["schema"]
            yield document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _refine(schema: Schema, refinement: Schema) -> None:
    """Of several variants it's those that are not null."""
    if not refinement:
        return
    for variant in schema.get("anyOf", [schema]):
        if variant.get("type") == "array":
            variant.update({**refinement, "items": {**variant["items"], **refinement.get("items", {})}})
        elif variant.get("type") != "null":
            variant.update(refinement)
