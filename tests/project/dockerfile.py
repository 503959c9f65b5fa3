"""Reads the Dockerfile, and builds what it describes in a folder: as far as that goes without a container engine."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.project.installing import run
from tests.project.places import REPOSITORY, read

KNOWN = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
ABSOLUTE = re.compile(r"(?<![\w./:])/(opt|src|dist|data)\b")
"""Where the Dockerfile keeps things. `/usr/sbin/nologin` is the base image's."""

HARMLESS = re.compile(r"useradd|install --directory")
"""What only root can do, and only to a machine of its own: the user and the folder are looked at elsewhere."""


@dataclass(frozen=True)
class Instruction:
    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Those of the JSON array that it has, or that the shell would see."""
        array = self.rest[self.rest.find("[") :]
        words: list[str] = json.loads(array) if self.rest.endswith("]") else shlex.split(self.rest)
        return words


def instructions(text: str) -> list[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\\\n", " ", lines).splitlines()
    return [Instruction(*line.strip().split(maxsplit=1)) for line in whole if line.strip()]


def stages(text: str) -> list[list[Instruction]]:
    """Each begins with its FROM."""
    found: list[list[Instruction]] = []
    for instruction in instructions(text):
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


class Ignored:
    """What .dockerignore keeps out: of the lines that match a path, or a folder around it, the last one decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        self._rules = [(_pattern(line.removeprefix("!").strip("/")), not line.startswith("!")) for line in lines]

    def __contains__(self, path: str) -> bool:
        parts = path.split("/")
        within = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        ignored = False
        for pattern, ignores in self._rules:
            if any(pattern.fullmatch(folder) for folder in within):
                ignored = ignores
        return ignored


def context(folder: Path) -> None:
    """What the engine would be sent: the repository without what is ignored."""
    ignored = Ignored(read(".dockerignore"))
    for path in _files(REPOSITORY):
        name = path.relative_to(REPOSITORY).as_posix()
        if name not in ignored:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)


class Image:
    """What the stages leave behind, with `root` in the place of the machine's; `context` in it is what was sent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sent = root / "context"
        self.env: dict[str, str] = {}

    def build(self, text: str) -> None:
        for stage in stages(text):
            self.set(stage)
            folder = self.root
            for instruction in stage:
                if instruction.name == "WORKDIR":
                    folder = Path(self.here(instruction.rest))
                    folder.mkdir(parents=True, exist_ok=True)
                elif instruction.name == "COPY":
                    self._copy(instruction.words, folder)
                elif instruction.name == "RUN" and not HARMLESS.search(instruction.rest):
                    run(["sh", "-euc", self.here(instruction.rest)], self._environment(), cwd=folder)

    def set(self, stage: Sequence[Instruction]) -> None:
        """The environment that a stage has in the end."""
        given = [self.here(instruction.rest) for instruction in stage if instruction.name == "ENV"]
        self.env = dict(word.split("=", 1) for words in given for word in shlex.split(words))

    def here(self, text: str) -> str:
        return ABSOLUTE.sub(lambda match: f"{self.root}/{match[1]}", text)

    def environment(self, path: str = "/usr/bin:/bin") -> dict[str, str]:
        """What a process in the container has."""
        given = {name: value.replace("$PATH", path) for name, value in self.env.items()}
        return {"PATH": path, "HOME": str(self.root / "data"), **given}

    def _environment(self) -> dict[str, str]:
        """The caller's, because its pip may have to be told where packages are; downloads are kept, to be quick."""
        given = {name: value for name, value in self.env.items() if name not in ("PATH", "PIP_NO_CACHE_DIR")}
        return {**os.environ, **given, "PIP_QUIET": "1", "PIP_NO_COMPILE": "1"}

    def _copy(self, words: Sequence[str], folder: Path) -> None:
        if words[0].startswith("--from="):
            assert all(Path(self.here(word)).exists() for word in words[1:])
            return
        *sources, target = words
        for source in sources:
            to = folder / target / Path(source).name if target.endswith("/") else folder / target
            to.parent.mkdir(parents=True, exist_ok=True)
            if (self._sent / source).is_dir():
                shutil.copytree(self._sent / source, to)
            else:
                shutil.copy(self._sent / source, to)


def settings(stage: Sequence[Instruction]) -> Mapping[str, str]:
    """The last word on everything that can be said once."""
    return {instruction.name: instruction.rest for instruction in stage}


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name not in (".git", "__pycache__") and not path.name.startswith(".venv"):
                yield from _files(path)
        elif path.is_file():
            yield path
