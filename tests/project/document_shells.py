"""Pages of docs/ as programs: their blocks in order, in one shell, in a folder of their own, as a reader would.

- A `bash` block runs; the `text` right behind it is what it prints, where `…` stands for anything.
- An `ini` block is a unit of systemd, whose command is started, or else what is written into `.env`.
- A `csv` block is written into the file that the sentence before it names.
- An `sql` block runs on a PostgreSQL server, as its administrator.

What a reader would have put in place of an example (an address, a port, an id such as `POST_ID`) is put there.
"""

import configparser
import itertools
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.project.documents import DOCS, Block, blocks, outputs
from tests.project.server import free_port
from tests.services import execute, postgres_url, wait_for

BETWEEN = "=== next block ==="
PLACEHOLDER = re.compile(r"(?<![$\w])([A-Z]+_ID)\b(?!=)")
PORT = re.compile(r"(127\.0\.0\.1:|--port )(80\d\d)\b")
HOME = "/srv/moothall"
IN_THE_END = "trap 'jobs -p | xargs -r kill; wait' EXIT"
ROLE = "a-password-of-your-own"

_numbers = itertools.count(1)


@dataclass
class Shell:
    """Where a page runs: `given` is a script before the first block, `instead` what stands for the examples."""

    folder: Path
    env: Mapping[str, str]
    given: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    skipped: tuple[Block, ...] = ()

    def run(self, page: str) -> None:
        """Every block of the page; fails where one fails, or prints something else than the page says."""
        found = [block for block in blocks(page) if block not in self.skipped]
        run = [block for block in found if block.language == "bash"]
        script = "\n".join([IN_THE_END, self.given, *filter(None, (self._step(block) for block in found))])
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.env, "LC_ALL": "C.UTF-8", "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        logs = "".join(f"\n{log.name}:\n{log.read_text(errors='replace')}" for log in self.folder.glob("*.log"))
        assert ran.returncode == 0, f"{page}\n{script}\n{ran.stdout}\n{ran.stderr}{logs}"
        printed = ran.stdout.split(BETWEEN)[1:]
        said = outputs(page)
        for block, output in zip(run, printed, strict=True):
            if block in said:
                expected = self.filled(said[block])
                assert matches(expected, output), f"{block.place} printed:\n{output}\nThe page says:\n{expected}{logs}"

    def filled(self, text: str) -> str:
        """With what a reader would have put in place of the examples."""
        for example, real in self.instead.items():
            text = text.replace(example, real)
        return PORT.sub(lambda match: f"{match[1]}{self._port(match[2])}", text)

    def _step(self, block: Block) -> str:
        text = self.filled(block.text)
        match block.language:
            case "bash":
                with_ids = PLACEHOLDER.sub(r"$\1", text)
                return f"echo '{BETWEEN}'\n{with_ids}"
            case "ini" if text.startswith("["):
                return self._started(text, block)
            case "ini":
                return f"cat >.env <<'END'\n{text}END"
            case "csv" if name := named_before(block):
                return f"cat >{name} <<'END'\n{text}END"
            case "sql":
                wait_for(execute(postgres_url(), *(line for line in text.split(";\n") if line.strip())))
        return ""

    def _started(self, unit: str, block: Block) -> str:
        command = unit_of(unit)["Service"]["ExecStart"].replace(f"{HOME}/.venv/bin/moothall", "moothall")
        assert command.startswith("moothall "), block.place
        name = command.split()[1]
        ready = ""
        if name == "serve":
            address = f"http://127.0.0.1:{self._port('8000')}/ready"
            ready = f"\nuntil curl -fsS -o /dev/null {address} 2>/dev/null; do kill -0 $!; sleep 0.2; done"
        return f"{command} >{name}.log 2>&1 &{ready}"

    def _port(self, example: str) -> int:
        return self.ports.setdefault(example, free_port())


def unit_of(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def named_before(block: Block) -> str | None:
    """The file in backquotes in the line of text before a block that says to save it."""
    lines = (DOCS / block.page).read_text(encoding="utf-8").splitlines()[: block.line - 1]
    before = next(line for line in reversed(lines) if line.strip())
    named = re.search(r"Save this as `([\w.-]+)`", before)
    return named[1] if named else None


def matches(expected: str, output: str) -> bool:
    """`…` stands for anything, a line of it for any number of lines."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, output.replace("\r", "").strip(), re.DOTALL) is not None


@contextmanager
def a_database() -> Iterator[dict[str, str]]:
    """Names for a role and a database that a page makes, in place of those of the page; both are dropped in the end."""
    name = f"moothall_docs_{os.getpid()}_{next(_numbers)}"
    server = urlsplit(postgres_url())
    host = server.netloc.rpartition("@")[2]
    url = server._replace(netloc=f"{name}:{ROLE}@{host}", path=f"/{name}").geturl()
    try:
        yield {
            f"postgresql://moothall:{ROLE}@127.0.0.1/moothall": url,
            f"postgresql://moothall:{ROLE}@db.internal/moothall": url,
            "CREATE ROLE moothall": f"CREATE ROLE {name}",
            "CREATE DATABASE moothall OWNER moothall": f"CREATE DATABASE {name} OWNER {name}",
        }
    finally:
        wait_for(execute(postgres_url(), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}"))
