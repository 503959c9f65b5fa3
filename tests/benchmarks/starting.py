"""How soon things are there: a server, the help of the command line, the application in memory."""

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .machine import wait_for_quiet
from .measures import Measure, Plan, Started, Turn
from .moothall_peer import Installation
from .servers import HOST, ServerError, clean_environment, free_port
from .workspace import REPOSITORY, program

_TIMES = 3
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Starts:
    """On the embedded store, whose file is there already."""

    installation: Installation

    @property
    def name(self) -> str:
        return "start"

    def concerned(self, plan: Plan) -> bool:
        return Measure.START in plan.measures

    def prepare(self) -> None:
        self.installation.install()
        self._serve()

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        seen: dict[str, list[float]] = {name: [] for name in ("serve", "memory", "imports", "help", "typer")}
        for _ in range(_TIMES):
            seen["serve"].append(self._serve())
            seen["memory"].append(self._serve("--memory", "--seed", "demo"))
            seen["imports"].append(_run([sys.executable, "-c", "import fastapi, sqlalchemy, uvicorn"]))
            seen["help"].append(_run([program("moothall"), "--help"]))
            seen["typer"].append(_run([sys.executable, "-c", "import typer"]))
        median = {name: statistics.median(times) for name, times in seen.items()}
        in_process = json.loads(
            subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.in_process"],
                cwd=REPOSITORY, env=clean_environment(None), capture_output=True, text=True, timeout=120, check=True,
            ).stdout
        )  # fmt: skip
        return Turn(
            disturbance,
            started=Started(
                serve_to_imports=median["serve"] / median["imports"],
                memory_to_imports=median["memory"] / median["imports"],
                help_to_typer=median["help"] / median["typer"],
                in_memory_ms=in_process["application_ms"],
                first_steps_ms=in_process["first_steps_ms"],
            ),
        )

    def _serve(self, *options: str) -> float:
        """Seconds from the command to the first 200."""
        port = free_port()
        command = [program("moothall"), "serve", "--host", HOST, "--port", str(port), *options]
        place = self.installation
        begin = time.perf_counter()
        with place.workspace.log(self.name).open("ab") as log:
            process = subprocess.Popen(
                command, cwd=place.workspace.folder(place.name), env=clean_environment(place.env),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            while not _answers(port):
                if process.poll() is not None or time.perf_counter() - begin > _PATIENCE:
                    raise ServerError(f"moothall serve did not answer; see {place.workspace.log(self.name)}")
                time.sleep(0.005)
            return time.perf_counter() - begin
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2.0)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _run(command: Sequence[Any]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=clean_environment(None), timeout=_PATIENCE, check=True)
    return time.perf_counter() - begin
