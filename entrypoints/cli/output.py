"""What commands print: data on standard output, messages and questions on standard error."""

import dataclasses
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

import typer

from entrypoints.cli.errors import ExitCode, wrong_usage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Output:
    """The global options, and everything that a command says."""

    json: bool = False
    quiet: bool = False
    yes: bool = False

    @classmethod
    def of(cls, context: typer.Context) -> "Output":
        """As the options before the noun asked for it."""
        output: Output = context.obj
        return output

    def show(self, thing: "DataclassInstance | Record") -> None:
        """One thing: an object under --json, else a line for each of its fields."""
        record = _record(thing)
        if self.json:
            _write(_as_json(record) + "\n")
        elif sys.stdout.isatty():
            _write_table(("field", "value"), list(record.items()), with_header=False)
        else:
            _write("".join(f"{name}\t{cell(value)}\n" for name, value in record.items()))

    @contextmanager
    def listing(self, columns: Sequence[str]) -> Iterator[Callable[[Sequence["DataclassInstance | Record"]], None]]:
        """Print pages as they come: one array (of whole things) under --json, else the columns.

        A terminal gets a table a page, everything else a line of tab-separated texts for each row.
        """
        empty = True

        def add(page: Sequence["DataclassInstance | Record"]) -> None:
            nonlocal empty
            records = [_record(thing) for thing in page]
            if self.json:
                _write("".join(f"{'[' if empty and n == 0 else ','}\n{_as_json(r)}" for n, r in enumerate(records)))
            elif records and sys.stdout.isatty():
                _write_table(columns, [[r[column] for column in columns] for r in records], with_header=True)
            else:
                _write("".join("\t".join(cell(r[column]) for column in columns) + "\n" for r in records))
            empty = empty and not records

        yield add
        if self.json:
            _write("[]\n" if empty else "\n]\n")

    def line(self, thing: "Record | str") -> None:
        """One of many that come one by one: an object in a line of its own under --json, else the text."""
        _write((thing if isinstance(thing, str) else _as_json(thing)) + "\n")

    async def stream(self, parts: AsyncIterator[str]) -> None:
        """A document, written as it comes."""
        async for part in parts:
            _write(part)

    def say(self, message: str) -> None:
        """A message for the person who watches; --quiet leaves it out."""
        if not self.quiet:
            print(message, file=sys.stderr)

    def confirm(self, question: str) -> None:
        """Go on only if the answer is yes, from the terminal or from --yes.

        Raises:
            CommandError: there is neither.
        """
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise wrong_usage(f"{question} There is no terminal to answer on: say so with --yes.")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("Nothing was changed.", file=sys.stderr)
            raise typer.Exit(ExitCode.FAILED)


def view_as_json(view: object) -> str:
    import json

    return json.dumps(view, default=_plain)


def _plain(value: object) -> object:
    return (
        dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else _text(value)
    )


def _record(thing: "DataclassInstance | Record") -> Record:
    return thing if isinstance(thing, Mapping) else dataclasses.asdict(thing)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _as_json(record: Record) -> str:
    import json

    return json.dumps(record, default=_text)


def _text(value: object) -> str:
    """Times and words as the HTTP API writes them (RFC 3339 in UTC); ids and paths as they are."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value.value if isinstance(value, Enum) else value)


def cell(value: object) -> str:
    """In one line, whatever characters are in it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in _text(value))


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, with_header: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=with_header, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)  # the first one names the thing
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    Console().print(table)
