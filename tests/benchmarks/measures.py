"""What is measured of one running server. Each figure comes from a server that runs alone."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .load import (
    BUSY_CLIENTS,
    CORES,
    LoginClients,
    Logins,
    Reads,
    bcrypt_alone,
    log_in_for,
    read_own_users,
    seconds_of_one_hash,
)
from .machine import wait_for_quiet
from .targets import Target, check_answers

BCRYPT_ALONE = "bcrypt-alone"  # takes its turn like a server, and is the most that a login can reach
_WARM_UPS = 2  # of a second each, at most
_BUSY_BURSTS = 3  # each half as long as all bursts of undisturbed reading together: there are fewer answers


class Measure(StrEnum):
    READ = "read"  # members read themselves
    LOGIN = "login"  # members log in
    BUSY = "busy"  # members read themselves while others keep every core busy with logging in
    REACTIONS = "reactions"  # something happens, and what follows from it is done in the background
    JOBS = "jobs"  # a worker has plenty to do
    PAGES = "pages"  # an administrator looks through a million members
    MEMORY = "memory"  # what a worker holds after many requests
    START = "start"  # how soon things are there
    ORDERS = "orders"  # members buy what there is only so much of
    IMPORTS = "imports"  # a club moves in
    ROOMS = "rooms"  # one says something, and very many hear it
    SOCKETS = "sockets"  # very many are there, and nothing happens


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds`: of reading without logins."""

    measures: Collection[Measure]
    seconds: int

    @property
    def login_seconds(self) -> int:
        """Longer, as there are so few logins a second."""
        return max(3, self.seconds * 3 // 2)

    @property
    def serves(self) -> bool:
        """Whether any measure is of a server's answers."""
        return bool({Measure.READ, Measure.LOGIN, Measure.BUSY, Measure.MEMORY} & set(self.measures))


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds from the answer to a request until the reaction had run, and from the event in it; how many ran, and
    how many did not."""

    p50: float
    p99: float
    p99_since_emitted: float
    events: int
    failed: int


@dataclass(frozen=True, slots=True)
class Drained:
    """Jobs a second that do nothing, and that each leave a row in the store."""

    nothing: float
    rows: float


@dataclass(frozen=True, slots=True)
class Listed:
    """Pages of so many members. The worst and the median of the ratios of a deeper page to the one at the start, rows
    read over rows returned, and milliseconds at the database for words, in the orders of time and of names; and of what
    the worst were."""

    members: int
    to_start: float
    to_start_of: str
    to_start_median: float
    read: float
    read_of: str
    words_ms: float
    words_of: str
    far_words_ms: float
    far_words_of: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """Megabytes of RAM after half of the requests and after all of them."""

    requests: int
    half: float
    whole: float


@dataclass(frozen=True, slots=True)
class Imported:
    """So many rows: as many a second by an import, and by COPY; and megabytes that it takes for few, and for all."""

    rows: int
    rate: float
    copied: float
    few_megabytes: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Started:
    """Ratios of times to what it takes to import what is needed anyway, and milliseconds in one process."""

    serve_to_imports: float
    memory_to_imports: float
    help_to_typer: float
    in_memory_ms: float
    first_steps_ms: float


@dataclass(frozen=True, slots=True)
class Said:
    """Messages that came to somebody a second, of so many who listen, and microseconds of the server's processor time
    for each."""

    listeners: int
    rate: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Idle:
    """Kilobytes that each of so many sockets holds, and cores that all of them take while nothing happens."""

    sockets: int
    kilobytes: float
    cores: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one server or worker did in one round.

    `disturbance`: how many cores others used just before. `one_hash`: seconds for a bcrypt hash just before or just
    after, whichever was shorter: a disturbed yardstick would flatter the logins.
    """

    disturbance: float
    reads: Reads | None = None
    one_hash: float | None = None
    logins: Logins | None = None
    busy_reads: Reads | None = None
    busy_logins: Logins | None = None
    waits: Waits | None = None
    drained: Drained | None = None
    listed: Listed | None = None
    remembered: Remembered | None = None
    started: Started | None = None
    ordered: float | None = None
    """Orders a second."""
    imported: Imported | None = None
    said: Said | None = None
    idle: Idle | None = None

    @property
    def share_of_possible_logins(self) -> float | None:
        """Achieved logins a second, divided by those if nothing but hashing took time: cores ÷ time of one hash."""
        if self.logins is None or self.logins.rate is None or self.one_hash is None:
            return None
        return self.logins.rate * self.one_hash / CORES

    @property
    def share_of_reads_when_busy(self) -> float | None:
        """Reads a second while others log in, divided by those of the same server without them."""
        if self.reads is None or self.busy_reads is None or not self.reads.rate:
            return None
        return self.busy_reads.rate / self.reads.rate


class Contestant(Protocol):
    """Who takes turns. `prepare` runs once, `take` once in each round."""

    @property
    def name(self) -> str: ...

    def concerned(self, plan: Plan) -> bool:
        """Whether it has to do with any measure of the plan."""
        ...

    def prepare(self) -> None: ...

    def take(self, plan: Plan) -> Turn: ...


@dataclass(frozen=True)
class Server:
    """A server, of which the answers are measured."""

    target: Target

    @property
    def name(self) -> str:
        return self.target.name

    def concerned(self, plan: Plan) -> bool:
        with_logins = {Measure.LOGIN, Measure.BUSY} & set(plan.measures)
        return Measure.READ in plan.measures or (self.target.logs_in and bool(with_logins))

    def prepare(self) -> None:
        self.target.prepare()

    def take(self, plan: Plan) -> Turn:
        return _measure(self.target, plan)


def _measure(target: Target, plan: Plan) -> Turn:
    """Start the server, take its turn, and stop it."""
    logs_in = target.logs_in and Measure.LOGIN in plan.measures
    busy = target.logs_in and Measure.BUSY in plan.measures
    reads = logins = busy_reads = busy_logins = None
    disturbance = wait_for_quiet()
    one_hash = seconds_of_one_hash() if logs_in else None
    with target.serve() as server:
        check_answers(server)
        read_own_users(server, bursts=min(_WARM_UPS, plan.seconds))
        if busy or Measure.READ in plan.measures:
            reads = read_own_users(server, bursts=plan.seconds)
        if logs_in and server.login:
            logins = log_in_for(server, server.login, plan.login_seconds)
        if busy and server.login:
            with LoginClients(server, server.login, BUSY_CLIENTS) as clients:
                busy_reads = read_own_users(server, _BUSY_BURSTS, max(1, plan.seconds // 2))
            busy_logins = clients.seen()
    if one_hash is not None:
        one_hash = min(one_hash, seconds_of_one_hash())
    return Turn(disturbance, reads, one_hash, logins, busy_reads, busy_logins)


def measure_bcrypt(plan: Plan) -> Turn:
    disturbance, before = wait_for_quiet(), seconds_of_one_hash()
    hashes = bcrypt_alone(plan.login_seconds)
    return Turn(disturbance, one_hash=min(before, seconds_of_one_hash()), logins=hashes)
