"""A hub of this process alone."""

import logging
from collections.abc import Callable
from typing import ParamSpec

from application.live.ports import Hub
from application.live.told import Told

log = logging.getLogger("moothall.live")

Words = ParamSpec("Words")


class LocalHub(Hub):
    def __init__(self) -> None:
        self._listeners: list[Callable[[Told], None]] = []

    def publish(self, told: Told) -> None:
        for heard in self._listeners:
            call(heard, told)

    def listen(self, heard: Callable[[Told], None], *, on_gap: Callable[[], None]) -> None:
        """There is never a gap."""
        self._listeners.append(heard)

    def is_whole(self) -> bool:
        return False


def call(listener: Callable[Words, None], *words: Words.args, **named: Words.kwargs) -> None:
    """One that fails spoils nothing for the others, nor for who publishes."""
    try:
        listener(*words, **named)
    except Exception:
        log.exception("A listener failed")
