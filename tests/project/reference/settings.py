"""docs/reference/settings.md: names, types and bounds from the code, defaults and sentences from .env.example, which
tests compare with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from entrypoints.settings import PREFIX, SECRETS_DIR, Settings
from tests.project.places import read
from tests.project.reference import markdown

HEADING = re.compile(r"# --- (.+?) -+")
SETTING = re.compile(rf"#({PREFIX}\w+)=(.*)")

INTRODUCTION = f"""\
From the environment, from a `.env` file in the folder where the command runs, or from secret files: one for each
setting, named as below in lower case, in `/run/secrets` or in the folder that `{SECRETS_DIR}` names. The environment
comes before `.env`, and `.env` before the files. Options of the command line come before all of them.

A wrong value, or a name that does not exist, stops the start and is named. `moothall config show` tells what counts and
where it comes from, `moothall config check` whether all is well. Times are in seconds, sizes in bytes. With
`MOOTHALL_ENVIRONMENT=production` unsafe values stop the start, too."""


@dataclass(frozen=True)
class Told:
    """What .env.example says of a setting; `group` is the heading above it."""

    group: str
    name: str
    default: str
    sentence: str


def page() -> str:
    groups: dict[str, list[list[str]]] = {}
    for told in _told():
        field = Settings.model_fields[told.name.removeprefix(PREFIX).lower()]
        row = [markdown.code(told.name), kind_of(field), markdown.code(told.default), markdown.plain(told.sentence)]
        groups.setdefault(told.group, []).append(row)
    parts = [
        f"## {group}\n\n{markdown.table(['setting', 'type', 'default', 'what it is'], rows)}"
        for group, rows in groups.items()
    ]
    return markdown.page("Settings", INTRODUCTION, *parts)


def kind_of(field: FieldInfo) -> str:
    """Its type, in words, and its bounds."""
    bounds = {
        name: getattr(item, name) for item in field.metadata for name in ("ge", "gt", "le") if hasattr(item, name)
    }
    least = f"{bounds['ge']:,}" if "ge" in bounds else f"more than {bounds['gt']:,}" if "gt" in bounds else ""
    most = f"{bounds['le']:,}" if "le" in bounds else ""
    span = f"{least} to {most}" if least and most else least
    return ", ".join(filter(None, (_word(field.annotation), span)))


def _word(annotation: Any) -> str:
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    if get_origin(annotation) is Literal:
        return " or ".join(markdown.code(value) for value in kinds)
    if get_origin(annotation) is list:
        return "list"
    if len(kinds) == 1:
        return _word(kinds[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(markdown.code(member.value) for member in annotation)
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    return {**words, HttpUrl: "URL", SecretStr: "secret text"}[annotation]


def _told() -> Iterator[Told]:
    group = sentence = ""
    for line in read(".env.example").splitlines():
        if heading := HEADING.fullmatch(line):
            group = re.sub(r" \(docs/.*\)$", "", heading[1])
        elif setting := SETTING.fullmatch(line):
            yield Told(group, setting[1], setting[2], sentence)
        else:
            sentence = line.removeprefix("# ")
