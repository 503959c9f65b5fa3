"""docs/reference/schemas.md: what bodies and answers hold."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.project.reference import markdown

REFERENCE = "#/components/schemas/"
BOUNDS = {
    "minLength": "{} characters at least",
    "maxLength": "{} characters at most",
    "minimum": "{} at least",
    "maximum": "{} at most",
    "minItems": "{} items at least",
    "maxItems": "{} items at most",
    "pattern": "`{}`",
}

INTRODUCTION = """\
What the bodies and answers of the [HTTP API](http.md) hold, in the order of their names. A server describes itself at
`/openapi.json`, and `moothall openapi` prints the same."""


@cache
def document() -> dict[str, Any]:
    """The description of a server on a database, whatever the settings are where this runs. What a server in memory has
    besides is told in docs/how-to/test-your-client.md."""
    return create_app(Settings.model_construct()).openapi()


def page() -> str:
    schemas = document()["components"]["schemas"]
    parts = [_described(name, schema) for name, schema in sorted(schemas.items()) if name != "ProblemCode"]
    return markdown.page("Schemas", INTRODUCTION, *parts)


def type_of(schema: Mapping[str, Any], *, within: str = "") -> str:
    """In words; a schema with a name is a link to it. `within` is the page on which they stand."""
    if name := schema.get("$ref", "").removeprefix(REFERENCE):
        return "[error code](errors.md)" if name == "ProblemCode" else f"[{name}]({within}#{markdown.slug(name)})"
    if "const" in schema:
        return markdown.code(schema["const"])
    if "enum" in schema:
        return " or ".join(markdown.code(value) for value in schema["enum"])
    if ways := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(type_of(way, within=within) for way in ways))
    kinds = schema.get("type", "anything")
    if kinds == "array":
        return f"list of {type_of(schema.get('items', {}), within=within)}"
    words = {"string": schema.get("format", "text"), "integer": "whole number", "boolean": "true or false"}
    return " or ".join(words.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def meaning_of(schema: Mapping[str, Any]) -> str:
    """What is said of it, its bounds and its default."""
    ways = [schema, *(way for way in schema.get("anyOf", ()) if way.get("type") != "null")]
    bounds = [form.format(way[name]) for name, form in BOUNDS.items() for way in ways if name in way]
    default = schema.get("default")
    if default not in (None, [], {}):
        bounds.append(f"default `{str(default).lower() if isinstance(default, bool) else default}`")
    said = str(schema.get("description", "")).strip()
    return " ".join(filter(None, [said, f"({'; '.join(bounds)})" if bounds else ""]))


def fields_of(schema: Mapping[str, Any], *, within: str = "") -> Iterator[list[str]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield [
            markdown.code(name),
            type_of(field, within=within),
            "" if name in required else "optional",
            meaning_of(field),
        ]


def _described(name: str, schema: Mapping[str, Any]) -> str:
    fields = markdown.table(["field", "type", "", "what it is"], fields_of(schema))
    said = markdown.paragraph(schema.get("description"))
    return "\n\n".join(part for part in (f"## {name}", said, fields or f"Type: {type_of(schema)}.") if part)
