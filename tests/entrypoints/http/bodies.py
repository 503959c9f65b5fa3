"""Bodies as the description of the API has them: where something goes in a request, and what there is in an answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where in a body a value goes, of which type it is to be, and for an object which names it knows (None: any)."""

    path: Path
    kind: str
    names: frozenset[str] | None = None

    @property
    def pointer(self) -> str:
        """RFC 6901."""
        return "".join(f"/{part}" for part in self.path)


def places(document: Mapping[str, Any], schema: Mapping[str, Any], sample: Any, path: Path = ()) -> Iterator[Place]:
    """All of them, those that are nested too. Of an array it is the first element."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for variant in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from places(document, variant, sample, path)
    kind = schema.get("type")
    if kind == "array":
        yield from places(document, schema["items"], _part(sample, 0), (*path, 0))
    elif kind == "object":
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        yield Place(path, kind, None if others else frozenset(known))
        if isinstance(others, Mapping):
            known = {**known, next(iter(sample or ()), "something"): others}
        for name, below in known.items():
            yield from places(document, below, _part(sample, name), (*path, name))
    elif kind not in (None, "null"):
        yield Place(path, kind)


def planted(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with the value there."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    below = planted(_part(body, first), rest, value)
    if isinstance(first, int):
        return [below, *(body or ())[1:]]
    return {**(body or {}), first: below}


def found(body: Any, path: Path) -> Sequence[Any]:
    """What an answer has there; of an array, in all elements, for it may have another order."""
    if not path:
        return [body]
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        return [value for item in body for value in found(item, rest)] if isinstance(body, list) else []
    return found(body[first], rest) if isinstance(body, dict) and first in body else []


def shapes(
    document: Mapping[str, Any], schema: Mapping[str, Any], name: str = "", seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, set[str]]]:
    """Every object that there may be in something of this shape: its name, if it has one, and its fields."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in seen:
            return
        schema, seen = document["components"]["schemas"][name], seen | {name}
    if "properties" in schema:
        yield name, set(schema["properties"])
    below = [*schema.get("properties", {}).values()]
    below += [part for word in ("anyOf", "oneOf", "allOf", "prefixItems") for part in schema.get(word, ())]
    below += [schema[word] for word in ("items", "additionalProperties") if isinstance(schema.get(word), Mapping)]
    for part in below:
        yield from shapes(document, part, "", seen)


def _part(sample: Any, where: str | int) -> Any:
    if isinstance(where, int):
        return sample[where] if isinstance(sample, list) and len(sample) > where else None
    return sample.get(where) if isinstance(sample, dict) else None
