"""Whether anybody else uses this machine's cores: two peers can be compared only if nobody disturbed one of them."""

import time
from pathlib import Path

QUIET = 0.2  # cores in use by others, at most
_PATIENCE = 6.0  # seconds to wait for quiet
_GLANCE = 0.5  # seconds
_CLOCK_TICK = 0.01  # seconds; the unit of /proc/stat on Linux
_STAT = Path("/proc/stat")


def wait_for_quiet() -> float:
    """Wait until at most QUIET cores are in use, but not for long. Returns how many were at last."""
    limit = time.monotonic() + _PATIENCE
    while (used := _cores_in_use()) > QUIET and time.monotonic() < limit:
        pass
    return used


def _cores_in_use() -> float:
    if not _STAT.exists():
        return 0.0
    before, begin = _busy_seconds(), time.monotonic()
    time.sleep(_GLANCE)
    return max(0.0, _busy_seconds() - before) / (time.monotonic() - begin)


def _busy_seconds() -> float:
    """Of all cores together since the start of the machine: user, nice, system, interrupts and stolen time."""
    user, nice, system, _idle, _waiting, *interrupts = map(int, _STAT.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) * _CLOCK_TICK
