"""How the product's parts are put together."""

from dataclasses import dataclass

import pytest

from entrypoints.wiring import Wiring


class Port: ...


@dataclass(frozen=True)
class Shared:
    port: Port


@dataclass(frozen=True)
class UseCase:
    shared: Shared
    port: Port


@dataclass(frozen=True)
class Chapter:
    one: UseCase
    shared: Shared


PORT = Port()


def resolve(kind: type[object]) -> object:
    return {Port: PORT}[kind]


def test_parts_are_built_of_what_they_name_each_once() -> None:
    chapter = Wiring(resolve, (Chapter, UseCase, Shared)).make(Chapter)
    assert chapter.one.port is PORT
    assert chapter.one.shared is chapter.shared


def test_two_applications_share_nothing_but_what_they_were_given() -> None:
    one, other = (Wiring(resolve, (Chapter, UseCase, Shared)).make(Chapter) for _ in range(2))
    assert one.shared is not other.shared
    assert one.shared.port is other.shared.port


def test_what_nobody_has_stops_the_start() -> None:
    with pytest.raises(LookupError):
        Wiring(resolve, (Chapter, UseCase)).make(Chapter)
