"""Text that somebody means harm with, or that is merely strange; and every place of a request that it may be put in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from tests.entrypoints.http.bodies import found, places, planted
from tests.entrypoints.http.matrix import REQUESTS, Operation, Whose, World

STRINGS: Mapping[str, str] = {
    "nothing": "",
    "blank": " \t\u3000",
    "NUL": "a\0b",
    "high surrogate alone": "a\ud800b",
    "low surrogate alone": "\udfff",
    "surrogates the wrong way round": "\ude00\ud83d",
    "escape sequence": "a\x1b[31mb\x7f\x85",
    "CRLF": "a\r\nBcc: everybody@example.com\r\n\r\nb",
    "line and paragraph separator": "a\u2028b\u2029c",
    "right to left": "\u202egnirts desrever\u2066 \u2069",
    "Arabic and Hebrew": "مرحبا שלום",
    "many marks": "Z\u0351\u036b\u0343\u0315\u0358\u0352\u0350" * 30,
    "composed": "caf\u00e9 \u1e9b\u0323",
    "decomposed": "cafe\u0301 \u017f\u0323\u0307",
    "astral": "🦊👩‍👩‍👧‍👦𝒳𠜎",
    "10,000 characters": "x" * 10_000,
    "10,000 foxes": "🦊" * 10_000,
    "LIKE": r"%_\%[a-z]",
    "quotes": "'\"`´’\\",
    "SQL": "x'); DROP TABLE users; --",
    "another SQL": "' OR 1=1 UNION SELECT password_hash FROM users --",
    "template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "jndi": "${jndi:ldap://127.0.0.1/a}",
    "format": "%s %n %(x)s {0} {x.__class__} :name ?",
    "path": "../../../../etc/passwd",
    "path of another system": "..\\..\\boot.ini\0.png",
    "percent": "%00%2e%2e%2f%c0%af",
    "HTML": '<script>alert(1)</script>"><img src=x onerror=alert(1)>&lt;',
    "zero width": "a\u200bb\u200dc\u2060d\u00ad",
    "non-characters": "\ufffe\uffff\U0001fffe\U0010ffff",
    "byte order mark": "\ufeffa\ufeff",
    "Turkish": "İıiI ŞşĞğ",
    "full width": "ＡＤＭＩＮ＜＞＇；％００",
    "ligatures and sharp s": "ﬁ ß ẞ K Å ǅ",
    "formula": "=cmd|' /C calc'!A0",
    "JSON": '{"$ne": null}',
    "not a number": "NaN",
    "a huge number": "-1e400",
    "a UUID, nearly": "018fe000-0000-7000-8000-00000000000g",
    "a UUID in other letters": "018FE000-0000-7000-8000-００００００００００００",
    "other digits": "١٢٣ ๑๒๓ ²",
    "a lone percent": "%",
    "separators": "a,b;c|d&e=f#g?h/i:j@k+l",
}

LONGEST_URL = 60_000
HEADERS = ("User-Agent", "X-Request-ID", "Authorization", "X-API-Key", "Accept-Language", "X-Forwarded-For")
"""What a request may carry besides what its operation declares."""


@dataclass(frozen=True)
class Spot:
    """Where a string goes."""

    where: str
    """`json`, `form`, `path`, `query` or `header`."""
    path: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"{self.where} {'/'.join(map(str, self.path))}"

    def takes(self, text: str) -> bool:
        """Else no client could send it: headers have no control characters, URLs an end, and their segments something
        in them."""
        if self.where == "header":
            return not any(ord(character) < 32 or ord(character) == 127 for character in text)
        if self.where in ("path", "query"):
            is_empty = text == "" and self.where == "path"
            return not is_empty and len(quote_from_bytes(_bytes(text))) < LONGEST_URL
        return True


@dataclass(frozen=True)
class Target:
    """An operation as it is described."""

    operation: Operation
    described: Mapping[str, Any]
    document: Mapping[str, Any]
    whose: Whose

    @property
    def name(self) -> str:
        return self.operation.name

    def spots(self, world: World) -> list[Spot]:
        """All that are declared to take text; what is no JSON takes nothing else."""
        found_here = [Spot(parameter["in"], (parameter["name"],)) for parameter in self.described.get("parameters", ())]
        return found_here + list(dict.fromkeys(self._of_body(world)))

    def _of_body(self, world: World) -> Iterator[Spot]:
        for kind, media in self.described.get("requestBody", {}).get("content", {}).items():
            if kind == "application/json":
                make = REQUESTS[self.name].json
                sample = make(world) if make is not None else {}
                for place in places(self.document, media["schema"], sample):
                    if place.kind == "string":
                        yield Spot("json", place.path)
            elif kind == "application/x-www-form-urlencoded":
                schema = media["schema"]
                if "$ref" in schema:
                    schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                yield from (Spot("form", (name,)) for name in schema["properties"])

    def request(self, world: World, spot: Spot, text: str) -> dict[str, Any]:
        """Good but for that."""
        template, query = self.operation.path, ""
        made = REQUESTS[self.name].body(world)
        name = str(spot.path[0]) if spot.path else ""
        match spot.where:
            case "path":
                template = template.replace(f"{{{name}}}", quote_from_bytes(_bytes(text), safe=""))
            case "query":
                query = f"?{urlencode([(name, _bytes(text))])}"
            case "header":
                made["headers"] = {key: value for key, value in made["headers"].items() if key.lower() != name.lower()}
                made["headers"][name] = _bytes(f"Bearer {text}" if name == "Authorization" else text)
            case "form":
                fields = {key: _bytes(value) for key, value in made.pop("data").items()} | {name: _bytes(text)}
                made["content"] = urlencode(fields)
                made["headers"]["Content-Type"] = "application/x-www-form-urlencoded"
            case _:
                made["content"] = json.dumps(planted(made.pop("json", {}), spot.path, text))
                made["headers"]["Content-Type"] = "application/json"
        return {"method": self.operation.method, "url": world.path(template, self.whose) + query, **made}


def is_shown(shown: Any, spot: Spot, text: str) -> bool | None:
    """Whether it came back as it went in; None where nothing came back."""
    values = found(shown, spot.path)
    return None if not values or all(value is None for value in values) else text in values


def _bytes(text: str) -> bytes:
    """As a client sends it that does not mind what UTF-8 may be."""
    return text.encode("utf-8", "surrogatepass")
