"""The schemas of the description, put so that generators of clients make good types of them."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Schema = dict[str, Any]

REF = "#/components/schemas/"
_GENERIC = "Page_"


def tidy(document: Document) -> None:
    """Every shape has a name of its own; a parameter is left out, and not null; and what is left out of a change has no
    default: a generator would send it."""
    _name_pages(document)
    _name_bodies(document)
    for item in document["paths"].values():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _never_null(parameter["schema"])
                if parameter["in"] == "path":
                    parameter.setdefault("description", _meaning(parameter["name"]))
            if method == "patch":
                _without_defaults(document, operation["requestBody"])


def _name_pages(document: Document) -> None:
    """`Page[UserView]` is a `UserPage`, and says so in its title, by which some generators go."""
    schemas = document["components"]["schemas"]
    names = {
        name: f"{name.removeprefix(_GENERIC).strip('_').removesuffix('View')}Page"
        for name in schemas
        if name.startswith(_GENERIC)
    }
    for node in _nodes(document):
        if (name := str(node.get("$ref")).removeprefix(REF)) in names:
            node["$ref"] = REF + names[name]
    for old, new in names.items():
        schemas[new] = schemas.pop(old) | {"title": new}
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _name_bodies(document: Document) -> None:
    """What a route describes by itself, under a title, is a component like all others."""
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for operation in item.values():
            for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media in holder.get("content", {}).values():
                    schema = media["schema"] = _never_null(media["schema"])
                    if schema.get("type") == "object" and "title" in schema and schema["title"].isidentifier():
                        schemas[schema["title"]] = schema
                        media["schema"] = {"$ref": REF + schema["title"]}


def _meaning(name: str) -> str:
    """Of a part of a path: `order_id` is the id of an order."""
    what, _, kind = name.rpartition("_")
    what = what.replace("key", "API key")
    return f"The {kind} of {'an' if what[0] in 'aeioAEIO' else 'a'} {what}." if what else f"Its {name}."


def _never_null(schema: Schema) -> Schema:
    variants = [variant for variant in schema.get("anyOf", ()) if variant != {"type": "null"}]
    if len(variants) != 1:
        return schema
    return {**variants[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _without_defaults(document: Document, part: Any) -> None:
    for node in _nodes(part):
        node.pop("default", None)
        if "$ref" in node:
            _without_defaults(document, document["components"]["schemas"][node["$ref"].removeprefix(REF)])


def _nodes(part: Any) -> Iterator[Schema]:
    """Every object in it, at any depth."""
    if isinstance(part, dict):
        yield part
        for below in tuple(part.values()):
            yield from _nodes(below)
    elif isinstance(part, list):
        for below in part:
            yield from _nodes(below)
