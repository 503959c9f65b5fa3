"""Who is in a room, on several processes that tell each other: whatever gets lost, all agree in the end."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from application.live.presence import FORGOTTEN_AFTER, Moves, Person, Presence


def person(name: str) -> dict[str, Any]:
    return {"id": name, "username": name, "full_name": None}


def names(people: Iterable[Person]) -> list[str]:
    return sorted(each["id"] for each in people)


def test_a_member_with_two_connections_comes_once_and_goes_with_the_last() -> None:
    here = Presence("a")
    assert names(here.come(person("ada"))[0].came) == ["ada"]
    assert here.come(person("ada")) == (Moves(), None)
    assert here.go("ada") == (Moves(), None)
    assert names(here.go("ada")[0].went) == ["ada"]
    assert here.people == {}


def test_who_is_elsewhere_already_does_not_come_again() -> None:
    here, there = Presence("a"), Presence("b")
    _, told = there.come(person("ada"))
    assert told is not None
    assert names(here.hear(told, 0)[0].came) == ["ada"]
    assert here.come(person("ada"))[0] == Moves()
    assert here.go("ada")[0] == Moves()
    assert names(here.people.values()) == ["ada"]


def test_who_missed_a_change_asks_and_is_told_all() -> None:
    here, there = Presence("a"), Presence("b")
    there.come(person("ada"))
    _, told = there.come(person("bob"))
    assert told is not None
    moves, question = here.hear(told, 0)
    assert moves == Moves()
    assert question is not None
    _, answer = there.hear(question, 0)
    assert answer is not None
    moves, _ = here.hear(answer, 0)
    assert names(moves.came) == ["ada", "bob"]
    assert moves.were_there


def test_who_is_told_all_again_learns_who_came_since() -> None:
    here, there = Presence("a"), Presence("b")
    _, told = there.come(person("ada"))
    assert told is not None
    here.hear(told, 0)
    there.come(person("bob"))
    assert here.hear(there.whole(), 0)[0] == Moves(came=(person("bob"),))


def test_a_pulse_that_fits_asks_nothing() -> None:
    here, there = Presence("a"), Presence("b")
    _, told = there.come(person("ada"))
    assert told is not None
    here.hear(told, 0)
    assert here.hear(there.pulse(), 1) == (Moves(), None)


def test_a_process_that_falls_silent_takes_its_people_with_it() -> None:
    here, there = Presence("a"), Presence("b")
    _, told = there.come(person("ada"))
    assert told is not None
    here.hear(told, 0)
    here.hear(there.pulse(), 5)
    assert here.forget_silent(5 + FORGOTTEN_AFTER - 1) == Moves()
    assert names(here.forget_silent(5 + FORGOTTEN_AFTER).went) == ["ada"]
    assert here.people == {}


MEMBERS = ("ada", "bob", "cleo")
PROCESSES = ("a", "b", "c")


class Processes(RuleBasedStateMachine):
    """Connections come and go on three processes; messages between them are lost at times. What each announced adds
    up to what it believes, and once everything is told, all believe what is true."""

    def __init__(self) -> None:
        super().__init__()
        self.rooms = {name: Presence(name) for name in PROCESSES}
        self.connections: dict[str, list[str]] = {name: [] for name in PROCESSES}
        self.announced: dict[str, set[str]] = {name: set() for name in PROCESSES}

    @rule(process=st.sampled_from(PROCESSES), member=st.sampled_from(MEMBERS), lost=st.sets(st.sampled_from(PROCESSES)))
    def come(self, process: str, member: str, lost: set[str]) -> None:
        self.connections[process].append(member)
        moves, told = self.rooms[process].come(person(member))
        self._announce(process, moves)
        self._publish(process, told, lost)

    @precondition(lambda self: any(self.connections.values()))
    @rule(data=st.data(), lost=st.sets(st.sampled_from(PROCESSES)))
    def go(self, data: st.DataObject, lost: set[str]) -> None:
        process = data.draw(st.sampled_from([name for name in PROCESSES if self.connections[name]]))
        member = data.draw(st.sampled_from(self.connections[process]))
        self.connections[process].remove(member)
        moves, told = self.rooms[process].go(member)
        self._announce(process, moves)
        self._publish(process, told, lost)

    @rule()
    def pulse_and_agree(self) -> None:
        for name, room in self.rooms.items():
            self._publish(name, room.pulse(), set())
        there = {member for members in self.connections.values() for member in members}
        for room in self.rooms.values():
            assert set(room.people) == there

    @invariant()
    def what_was_announced_is_what_is_believed(self) -> None:
        for name, room in self.rooms.items():
            assert self.announced[name] == set(room.people)

    def _publish(self, origin: str, told: dict[str, Any] | None, lost: set[str]) -> None:
        if told is None:
            return
        for name, room in self.rooms.items():
            if name != origin and name not in lost:
                moves, reply = room.hear(told, 0)
                self._announce(name, moves)
                self._publish(name, reply, set())

    def _announce(self, process: str, moves: Moves) -> None:
        came, went = {p["id"] for p in moves.came}, {p["id"] for p in moves.went}
        assert not came & self.announced[process]
        assert went <= self.announced[process]
        self.announced[process] |= came
        self.announced[process] -= went


TestProcesses = Processes.TestCase


@given(st.lists(st.sampled_from(MEMBERS), max_size=6))
def test_everybody_is_counted_once(members: list[str]) -> None:
    here = Presence("a")
    for member in members:
        here.come(person(member))
    assert names(here.people.values()) == sorted(set(members))
