"""The programs that docs/live.md shows, run as they stand, and somebody for them to talk with."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.project.club import PASSWORD, Club
from tests.project.places import read

REFERENCE = "docs/live.md"
WITHIN = 60.0
"""Seconds in which what is waited for has to come; nothing is about how fast."""


def snippet(heading: str, language: str, club: Club) -> str:
    """The one in this language under that heading ("": before the first), for the club's server."""
    section = read(REFERENCE).partition(f"\n## {heading}" if heading else "\n")[2].partition("\n## ")[0]
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert "127.0.0.1:8000" in found or "$API" in found
    return str(found).replace("127.0.0.1:8000", f"127.0.0.1:{club.server.port}")


@dataclass
class Program:
    """One that runs, and what it has printed."""

    process: "subprocess.Popen[str]"
    printed: list[str] = field(default_factory=list)

    def until(self, text: str) -> str:
        """What it prints up to the line that has this in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)
            if text in line:
                return "".join(self.printed)
        raise AssertionError(f"It ended without {text!r}, and printed:\n{''.join(self.printed)}")


@contextmanager
def running(command: Sequence[str], folder: Path, env: Mapping[str, str] = {}) -> Iterator[Program]:
    """While the block lasts; no proxy stands between it and the server."""
    direct = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**direct, "PYTHONUNBUFFERED": "1", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    patience = threading.Timer(WITHIN, _kill, [process])
    patience.start()
    try:
        yield Program(process)
    finally:
        patience.cancel()
        _kill(process)
        process.communicate()


def _kill(process: "subprocess.Popen[str]") -> None:
    """With all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


@dataclass
class Speaker:
    """Bob, who is in the lobby already."""

    socket: ClientConnection

    def hears(self, type: str, **wanted: object) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=WITHIN))
            if message["type"] == type and all(message.get(name) == value for name, value in wanted.items()):
                return message

    def says(self, text: str) -> None:
        self.send("say", room="lobby", text=text)

    def sees_ada(self) -> None:
        while self.hears("joined")["user"]["username"] != "ada":
            pass

    def send(self, type: str, **fields: str) -> None:
        self.socket.send(json.dumps({"type": type, **fields}))


@contextmanager
def a_lobby(club: Club) -> Iterator[Speaker]:
    """A room by that name with somebody in it; and Ada, who is a member."""
    club.make_room("lobby")
    for name in ("ada", "bob"):
        body = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
        requests.post(f"{club.server.url}/api/v1/auth/register", json=body, timeout=60).raise_for_status()
    with connect(f"ws://127.0.0.1:{club.server.port}/api/v1/live", proxy=None) as socket:
        speaker = Speaker(socket)
        speaker.send("auth", token=club.sign_in("bob"))
        speaker.send("join", room="lobby")
        speaker.hears("joined")
        yield speaker
