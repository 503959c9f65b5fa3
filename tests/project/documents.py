"""The pages of docs/, and the blocks of code in them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tests.project.places import REPOSITORY

DOCS = REPOSITORY / "docs"
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `is_next` where nothing but blank lines stands between it and the one before."""

    page: str
    line: int
    language: str
    text: str
    is_next: bool

    @property
    def place(self) -> str:
        return f"docs/{self.page}:{self.line}"


def texts() -> dict[str, str]:
    """Every page by its name below docs/."""
    return {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}


def blocks(page: str) -> list[Block]:
    return list(_blocks(page, (DOCS / page).read_text(encoding="utf-8")))


def prose(text: str) -> str:
    """A page without its blocks and its code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in addresses."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())
        found[slug] = found.get(slug, -1) + 1
    return {slug if not number else f"{slug}_{number}" for slug, last in found.items() for number in range(last + 1)}


def outputs(page: str) -> Mapping[Block, str]:
    """What blocks say that they print: the `text` right behind a `bash`."""
    found = blocks(page)
    return {
        block: after.text
        for block, after in pairwise(found)
        if block.language == "bash" and after.language == "text" and after.is_next
    }


def _blocks(page: str, text: str) -> Iterator[Block]:
    end = 0
    for match in FENCE.finditer(text):
        indent = match["indent"]
        code = re.sub(rf"^{indent}", "", match["text"], flags=re.MULTILINE)
        is_next = end > 0 and not text[end : match.start()].strip()
        yield Block(page, text.count("\n", 0, match.start()) + 1, match["language"], code, is_next)
        end = match.end()
