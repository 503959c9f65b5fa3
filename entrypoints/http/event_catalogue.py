"""What webhooks are sent, as the `webhooks` of the OpenAPI document (3.1): one operation for each event."""

from dataclasses import fields
from typing import Any, get_type_hints
from uuid import UUID

from domain.events import Event
from domain.webhooks.catalogue import EVENTS

_UUID = {"type": "string", "format": "uuid"}
_SHAPES: dict[Any, dict[str, Any]] = {
    UUID: _UUID,
    UUID | None: {"anyOf": [_UUID, {"type": "null"}]},
    str: {"type": "string"},
}
_HEADERS = {
    "webhook-id": "Of the message: the same at each attempt and each repetition.",
    "webhook-timestamp": "Of this attempt, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA-256 over id, timestamp and body, joined by full stops; "
    "several, separated by blanks, while a secret is being replaced.",
}


def described() -> dict[str, Any]:
    return {name: {"post": _operation(kind)} for name, kind in EVENTS.items()}


def _operation(kind: type[Event]) -> dict[str, Any]:
    return {
        "tags": ["Webhooks"],
        "summary": kind.__doc__,
        "operationId": f"on_{kind.name.replace('.', '_').replace('-', '_')}",
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
            for name, meaning in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(kind)}}},
        "responses": {
            "2XX": {"description": "It has arrived. Every other answer means: again, later."},
            "410": {"description": "Nothing shall be sent here any more: the webhook is switched off."},
        },
    }


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """Of the message's body."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {
                "type": "object",
                "required": names,
                "properties": {name: _SHAPES[hints[name]] for name in names},
            },
        },
    }
