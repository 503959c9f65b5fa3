"""The memory of one worker after many requests, Moothall's or that of the bare minimum with SQLAlchemy."""

from dataclasses import dataclass
from pathlib import Path

from .load import read_own_users
from .machine import wait_for_quiet
from .measures import Measure, Plan, Remembered, Turn
from .targets import Running, Target

REQUESTS, FEWER_REQUESTS = 100_000, 10_000
_BURST = 2  # seconds
_MOST_BURSTS = 120


@dataclass(frozen=True)
class Memories:
    """`target`: one worker, in the process that was started."""

    target: Target
    requests: int

    @property
    def name(self) -> str:
        return f"memory-{self.target.name}"

    def concerned(self, plan: Plan) -> bool:
        return Measure.MEMORY in plan.measures

    def prepare(self) -> None:
        self.target.prepare()

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        with self.target.serve() as server:
            first = _read(server, self.requests // 2)
            half = _resident(server.pid)
            second = _read(server, self.requests // 2)
            whole = _resident(server.pid)
        return Turn(disturbance, remembered=Remembered(first + second, half, whole))


def _read(server: Running, least: int) -> int:
    done = 0
    for _ in range(_MOST_BURSTS):
        done += read_own_users(server, 1, _BURST).answers
        if done >= least:
            break
    return done


def _resident(pid: int) -> float:
    """Megabytes of RAM that the process holds (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
