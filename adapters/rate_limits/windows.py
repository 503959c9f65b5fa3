"""What the counts of a sliding window mean. It weighs the window before by how much of it is still within reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Counts, and in how many seconds each stops to count as what it is."""

    previous: int
    previous_left: float
    current: int
    current_left: float


def remaining(window: Window, amount: int, seconds: int) -> int:
    return max(0, amount - int(window.previous * window.previous_left / seconds + window.current))


def until_free(window: Window, amount: int, seconds: int) -> float:
    """Seconds until one more is allowed, if nothing else comes; 0 where it is now."""
    room = amount - window.current
    if room > 0:
        if window.previous * window.previous_left < room * seconds:
            return 0.0
        return window.previous_left - room * seconds / window.previous
    return window.current_left + seconds * (1 - amount / window.current)
