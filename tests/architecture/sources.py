"""The sources as the rules read them: parsed, never imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LAYERS = ("domain", "application", "adapters", "entrypoints")


@dataclass(frozen=True)
class Source:
    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """As people write it: `application/identity/sign_in.py`."""
        return self.path.relative_to(REPOSITORY).as_posix()

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in self.walk() if isinstance(node, ast.ClassDef))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below the folders; of all four layers where none is named."""
    paths = sorted(path for folder in folders or LAYERS for path in (REPOSITORY / folder).rglob("*.py"))
    return tuple(Source(path, ast.parse(path.read_text(encoding="utf-8"), str(path))) for path in paths)


def imported_modules(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Every import wherever it stands, as an absolute name; relative ones are resolved."""
    package = source.path.relative_to(REPOSITORY).with_suffix("").parts[:-1]
    for node in source.walk():
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            yield node, ".".join((*above, *([node.module] if node.module else [])))


def last_name(node: ast.expr) -> str:
    """`Protocol` for `Protocol`, `typing.Protocol` and `Protocol[T]`; empty for what has no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return last_name(value)
        case _:
            return ""


def base_names(node: ast.ClassDef) -> set[str]:
    return {last_name(base) for base in node.bases}


def report(mend: str, breaches: list[str]) -> str:
    """What a failing rule says: where, and what to do about it."""
    return "\n".join(("", *breaches, f"The mend: {mend}"))
