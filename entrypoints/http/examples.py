"""What the fields of requests and answers look like, for whoever reads the description or tries it out.

A field that says so itself keeps its own example. The others have one by their name, or where the same name means
something else, by the name of their shape too.
"""

from collections.abc import Mapping
from typing import Any

from entrypoints.http.schemas import Schema

ID = "01932c07-a9f0-7cc4-9d2a-6b1f0e5c8a31"
TIME = "2026-11-21T09:30:00Z"
CURSOR = "WyItY3JlYXRlZF9hdCIsIjIwMjYtMTEtMjFUMDk6MzA6MDArMDA6MDAiLCIwMTkzMmMwNyJd"
ACCESS_TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTkzMmMwNyJ9.c2lnbmF0dXJl"  # noqa: S105 # nosec B105 # no real one

FIELDS: Mapping[str, Any] = {
    "access_token": ACCESS_TOKEN,
    "action": "user.updated",
    "actor": ID,
    "address": "192.0.2.7",
    "amount": 2500,
    "aud": "moothall",
    "author": ID,
    "avatar_url": f"http://127.0.0.1:8000/api/v1/users/{ID}/avatar?v={ID}",
    "attempts": 1,
    "bio": "I count sheep.\nAnd votes.",
    "body": "The heating is being mended.",
    "client_id": "moothall",
    "client_secret": "taken-and-ignored",
    "content": "They dance.",
    "created": 98,
    "currency": "EUR",
    "description": "Looks after the members.",
    "detail": "An account with this e-mail address exists already.",
    "device_token": "d1_9b7V5TqjzXw",
    "disabled_reason": "It answered 410 Gone.",
    "done": 100,
    "email": "ada@example.com",
    "error": "The mail server does not answer.",
    "event": "order.paid",
    "events": ["order.*", "user.created"],
    "exp": 1795341000,
    "expires_in": 900,
    "external_id": "4711",
    "fields": ["first_name", "+is_verified"],
    "file_size": 8192,
    "first_name": "Ada",
    "full_name": "Ada Lovelace",
    "gateway": "manual",
    "grant_type": "password",
    "grant_types_supported": ["password", "refresh_token"],
    "iat": 1795340100,
    "imported_by": ID,
    "introspection_endpoint": "http://127.0.0.1:8000/api/v1/auth/introspect",
    "iss": "http://127.0.0.1:8000",
    "issuer": "http://127.0.0.1:8000",
    "item": ID,
    "jti": "q3Jk0v2yR1m8",
    "jwks_uri": "http://127.0.0.1:8000/.well-known/jwks.json",
    "key": "mh_8f3a1c2d_5sVn0kQyJ4pWb7tZ",
    "kind": "message",
    "last_name": "Lovelace",
    "last_status": 200,
    "missing": {"orders": "timeout"},
    "name": "nightly report",
    "next_cursor": CURSOR,
    "number": "2026-000042",
    "page": 1,
    "page_size": 20,
    "pages": 3,
    "password": "violet-anchor-42-lamp",
    "permission": "posts:create",
    "permissions": ["users:read"],
    "prefix": "mh_8f3a1c2d",
    "price": 1250,
    "proof": "k1:9b7V5TqjzXw",
    "quantity": 2,
    "reaction": "send-welcome-mail",
    "reason": "The card was declined.",
    "reference": "ch_3Pqk2",
    "refresh_token": "r1_TqjzXw9b7V5",
    "rejected": 2,
    "request_id": "0af7651916cd43dd8448eb211c80319c",
    "response_types_supported": [],
    "result": {"deleted": 3},
    "revocation_endpoint": "http://127.0.0.1:8000/api/v1/auth/revoke",
    "revocation_endpoint_auth_methods_supported": ["none"],
    "roles": ["member"],
    "room": "lounge",
    "scope": "users:read",
    "secret": "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD",
    "skipped": 0,
    "sku": "mug-blue",
    "stock": 40,
    "subject": ID,
    "text": "Hello",
    "ticket": "t1_5TqjzXw9b7V",
    "title": "On bees",
    "token": "Xw9b7V5Tqjz",
    "token_endpoint": "http://127.0.0.1:8000/api/v1/auth/token",
    "token_endpoint_auth_methods_supported": ["none"],
    "token_type": "bearer",
    "took_ms": 84,
    "total": 42,
    "unit_price": 1250,
    "unread": 1,
    "updated": 0,
    "url": "https://example.com/hooks/moothall",
    "user_agent": "Mozilla/5.0",
    "username": "ada",
    "website": "https://ada.example/about",
}
OF_SHAPES: Mapping[str, Any] = {
    "DeliveryDetail.body": '{"type":"order.paid","timestamp":"2026-11-21T09:30:00Z","data":{}}',
    "FailedDelivery.event": "user.registered",
    "ImportView.error": "The importer's account is gone.",
    "JobView.kind": "broadcast",
    "OrderLineView.name": "Blue mug",
    "OrderView.total": 2500,
    "PermissionView.description": "See members' accounts.",
    "PermissionView.name": "users:read",
    "ProductView.description": "Holds 0.3 l.",
    "ProductView.name": "Blue mug",
    "Progress.total": 100,
    "RoleView.name": "editor",
    "RoomView.name": "lounge",
    "RoomView.title": "The lounge",
    "WebhookView.description": "The warehouse.",
    "NewWebhook.description": "The warehouse.",
}


def fill(schemas: Mapping[str, Schema]) -> None:
    """Give every field of a single value an example; one of a named shape has that shape's."""
    for shape, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            if "examples" not in field and (found := _example(shape, name, field)) is not None:
                field["examples"] = [found]


def _example(shape: str, name: str, field: Schema) -> Any:
    kinds = [field, *field.get("anyOf", ())]
    if any("$ref" in kind or "$ref" in kind.get("items", {}) for kind in kinds):
        return None
    if (known := OF_SHAPES.get(f"{shape}.{name}", FIELDS.get(name))) is not None:
        return known
    formats = {kind.get("format") for kind in kinds}
    if "uuid" in formats:
        return ID
    if "date-time" in formats:
        return TIME
    if any(kind.get("type") == "boolean" for kind in kinds):
        return field.get("default", True)
    return ID if name in ("sub", "sid") else None
