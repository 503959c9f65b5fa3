"""What the examples of generated clients are run against, the environment that they need, and what they print."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from tests.pictures import a_picture
from tests.project.club import Club, club_at
from tests.project.places import REPOSITORY, run_moothall

EXAMPLES = REPOSITORY / "examples"
CLIENTS = REPOSITORY / ".clients"  # ignored by git
LOCK = REPOSITORY / "requirements-clients.lock"
SKU = "mug-blue"

PRINTED = [
    "member: ada",
    "refused: 409 there is such a member already",
    "refused: 422 ['/email']",
    "written: On sheep (once)",
    "written: On votes (once)",
    "written: On beez (once)",
    "changed: On bees - They dance. published",
    "stale: 412",
    "page: On bees, On votes",
    "page: On sheep",
]
"""What either program prints, until it comes to what is named by an address."""


@dataclass(frozen=True)
class Counter:
    """A club that sells a mug, and a picture of a newcomer."""

    club: Club
    picture: Path

    @property
    def words(self) -> tuple[str, str, str]:
        return (self.club.server.url, str(self.picture), SKU)

    def sold(self) -> list[tuple[str, int]]:
        """What was ordered, as the administrator sees it."""
        return [(order["status"], order["total"]) for order in self.club.ask("GET", "/orders")["items"]]

    def titles(self) -> list[str]:
        return [post["title"] for post in self.club.ask("GET", "/posts")["items"]]


@contextmanager
def a_counter(folder: Path) -> Iterator[Counter]:
    picture = folder / "me.png"
    picture.write_bytes(a_picture())
    with club_at(folder) as club:
        club.ask("POST", "/products", sku=SKU, name="Blue mug", price=1250, currency="EUR", stock=40)
        yield Counter(club, picture)


def check(printed: str, counter: Counter) -> None:
    """It printed what it should, and the service has what it says that it did."""
    lines = printed.splitlines()
    assert lines[: len(PRINTED)] == PRINTED
    picture, order = lines[len(PRINTED) :]
    url = re.escape(counter.club.server.url)
    assert re.fullmatch(rf"picture: {url}/api/v1/users/[0-9a-f-]{{36}}/avatar\?v=[0-9a-f-]{{36}}", picture)
    assert order == "ordered: 2500 EUR placed"
    assert counter.sold() == [("placed", 2500)]
    assert counter.titles() == ["On bees", "On votes", "On sheep"]


def write_description(folder: Path) -> None:
    """As anybody gets it, without a server."""
    told = run_moothall("openapi", cwd=folder)
    assert told.returncode == 0, told.stderr
    json.loads(told.stdout)
    (folder / "openapi.json").write_text(told.stdout)


def run(command: Sequence[str | Path], folder: Path, *, within: float = 300) -> str:
    """What a command that has to succeed prints; no proxy stands between it and the server."""
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    ran = subprocess.run(command, cwd=folder, env=direct, capture_output=True, text=True, timeout=within, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def tools() -> Path:
    """The programs of an environment of its own, which is created (over the network, once) when it is not there: the
    generator wants another typer than Moothall does."""
    environment = CLIENTS / "venv"
    stamp, wanted = environment / "installed.lock", LOCK.read_text()
    CLIENTS.mkdir(exist_ok=True)
    with (CLIENTS / "lock").open("w") as lock:
        flock(lock, LOCK_EX)  # two processes may run the tests
        if stamp.exists() and stamp.read_text() == wanted:
            return environment / "bin"
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True, timeout=120)
        install = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", LOCK], check=True, timeout=300)
        stamp.write_text(wanted)
    return environment / "bin"
