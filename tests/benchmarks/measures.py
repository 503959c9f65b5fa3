"""What is measured of one running server. Each figure comes from a server that runs alone."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from .load import (
    CORES,
    LoginClients,
    Logins,
    Reads,
    bcrypt_alone,
    log_in_for,
    read_own_users,
    seconds_of_one_hash,
)
from .targets import Target, check_answers

BCRYPT_ALONE = "bcrypt-alone"  # takes its turn like a server, and is the most that a login can reach
_WARM_UP = 1  # seconds


class Measure(StrEnum):
    READ = "read"  # members read themselves
    LOGIN = "login"  # members log in
    BUSY = "busy"  # members read themselves while others keep every core busy with logging in


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds`: of reading under load; logging in takes twice as long, as there are so few logins a second."""

    measures: Collection[Measure]
    seconds: int

    def concerns(self, target: Target) -> bool:
        return Measure.READ in self.measures or target.logs_in


@dataclass(frozen=True, slots=True)
class Turn:
    """What one server did in one round. `one_hash`: seconds for a bcrypt hash on the idle machine just before."""

    reads: Reads | None = None
    one_hash: float | None = None
    logins: Logins | None = None
    busy_reads: Reads | None = None
    busy_logins: Logins | None = None

    @property
    def share_of_possible_logins(self) -> float | None:
        """Achieved logins a second, divided by those if nothing but hashing took time: cores ÷ time of one hash."""
        if self.logins is None or self.one_hash is None:
            return None
        return self.logins.rate * self.one_hash / CORES

    @property
    def share_of_reads_when_busy(self) -> float | None:
        """Reads a second while others log in, divided by those of the same server without them."""
        if self.reads is None or self.busy_reads is None or not self.reads.rate:
            return None
        return self.busy_reads.rate / self.reads.rate


def measure(target: Target, plan: Plan) -> Turn:
    """Start the server, take its turn, and stop it."""
    logs_in = target.logs_in and Measure.LOGIN in plan.measures
    busy = target.logs_in and Measure.BUSY in plan.measures
    reads = logins = busy_reads = busy_logins = None
    one_hash = seconds_of_one_hash() if logs_in else None
    with target.serve() as server:
        check_answers(server)
        read_own_users(server, _WARM_UP)
        if busy or Measure.READ in plan.measures:
            reads = read_own_users(server, plan.seconds)
        if logs_in and server.login:
            logins = log_in_for(server, server.login, 2 * plan.seconds)
        if busy and server.login:
            with LoginClients(server, server.login) as clients:
                busy_reads = read_own_users(server, plan.seconds)
            busy_logins = clients.seen()
    return Turn(reads, one_hash, logins, busy_reads, busy_logins)


def measure_bcrypt(plan: Plan) -> Turn:
    return Turn(one_hash=seconds_of_one_hash(), logins=bcrypt_alone(plan.seconds))
