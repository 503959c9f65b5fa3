"""From rounds to ratios: the table, the ratios to the budgets, and both as JSON.

A ratio is taken within each round, and the median of the rounds is shown. Absolute figures are for reading only.
"""

import dataclasses
import datetime as dt
import json
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .load import BUSY_CLIENTS, CONNECTIONS, CORES, LOGIN_CLIENTS
from .measures import Turn
from .targets import MEMBERS

Round = Mapping[str, Turn]  # by the name of the server
Figure = Callable[[Round], float | None]  # of one round; None where it was not measured

_ABSENT = Turn(disturbance=0.0)


@dataclass(frozen=True, slots=True)
class Budget:
    """`of`: the figure; `least` or `most`: what it may be at worst."""

    what: str
    of: Figure
    least: float | None = None
    most: float | None = None

    def ratio(self, figure: float) -> float:
        """How well the figure keeps the budget: 1 or more does."""
        if self.most is not None:
            return self.most / figure if figure else float("inf")
        return figure / (self.least or 1.0)

    @property
    def text(self) -> str:
        return f">= {self.least:g}" if self.most is None else f"<= {self.most:g}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything about the run that a reader of the figures must know."""

    seconds: int
    rate_limit: str
    redis: bool
    notes: Sequence[str]


def reads_over(server: str, peer: str) -> Figure:
    def figure(turns: Round) -> float | None:
        ours, theirs = turns.get(server, _ABSENT).reads, turns.get(peer, _ABSENT).reads
        return ours.rate / theirs.rate if ours and theirs and theirs.rate else None

    return figure


def logins_over_possible(server: str) -> Figure:
    return lambda turns: turns.get(server, _ABSENT).share_of_possible_logins


def busy_p99(server: str) -> Figure:
    def figure(turns: Round) -> float | None:
        reads = turns.get(server, _ABSENT).busy_reads
        return reads.p99 if reads else None

    return figure


def busy_share(server: str) -> Figure:
    return lambda turns: turns.get(server, _ABSENT).share_of_reads_when_busy


_ONE, _TWO, _EMBEDDED = "moothall-postgresql-1", "moothall-postgresql-2", "moothall-sqlite-1"

BUDGETS = (
    Budget("GET own user: PostgreSQL, 2 workers / PocketBase", reads_over(_TWO, "pocketbase"), least=1.0),
    Budget("GET own user: PostgreSQL, 2 workers / token-only-2", reads_over(_TWO, "token-only-2"), least=0.6),
    Budget("GET own user: PostgreSQL, 2 workers / fastapi-users-2", reads_over(_TWO, "fastapi-users-2"), least=6.0),
    Budget("GET own user: SQLite, 1 worker / token-only-1", reads_over(_EMBEDDED, "token-only-1"), least=0.5),
    Budget("login: PostgreSQL, 1 worker / (cores / one hash)", logins_over_possible(_ONE), least=0.95),
    Budget("login: PostgreSQL, 2 workers / (cores / one hash)", logins_over_possible(_TWO), least=0.95),
    Budget("login: SQLite, 1 worker / (cores / one hash)", logins_over_possible(_EMBEDDED), least=0.95),
    Budget("GET while logging in: PostgreSQL, 1 worker, p99 ms", busy_p99(_ONE), most=100.0),
    Budget("GET while logging in: PostgreSQL, 2 workers, p99 ms", busy_p99(_TWO), most=100.0),
    Budget("GET while logging in: SQLite, 1 worker, p99 ms", busy_p99(_EMBEDDED), most=100.0),
    Budget("GET while logging in: PostgreSQL, 1 worker / unloaded", busy_share(_ONE), least=0.25),
    Budget("GET while logging in: PostgreSQL, 2 workers / unloaded", busy_share(_TWO), least=0.25),
    Budget("GET while logging in: SQLite, 1 worker / unloaded", busy_share(_EMBEDDED), least=0.25),
)


def median_of(rounds: Sequence[Round], figure: Figure) -> float | None:
    """The median of the rounds that have the figure."""
    seen = [value for value in map(figure, rounds) if value is not None]
    return statistics.median(seen) if seen else None


def table(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each server: medians of the rounds. Rates are per second, p99 in milliseconds."""
    names = list(dict.fromkeys(name for turns in rounds for name in turns))
    return [_row(name, [turns[name] for turns in rounds if name in turns]) for name in names]


def budgets(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each budget, if Moothall was measured at all; the figures are None where they could not be told."""
    if not any(name.startswith("moothall") for turns in rounds for name in turns):
        return []
    rows = []
    for budget in BUDGETS:
        figure = median_of(rounds, budget.of)
        ratio = None if figure is None else budget.ratio(figure)
        rows.append({"what": budget.what, "measured": figure, "budget": budget.text, "ratio_to_budget": ratio})
    return rows


def as_text(rounds: Sequence[Round], conditions: Conditions) -> str:
    head = (
        f"{len(rounds)} interleaved rounds, medians; {CORES} cores, {MEMBERS} members; 1 client thread with "
        f"{CONNECTIONS} connections for {conditions.seconds} s; {LOGIN_CLIENTS} login clients, {BUSY_CLIENTS} while "
        f"others read; Python {platform.python_version()}\n"
        f"Moothall: rate limit {conditions.rate_limit}, Redis {'used' if conditions.redis else 'not used'}; "
        "the number after a name is its workers"
    )
    servers = _columns(
        ("server", "GET/s", "range", "x token-only", "p99 ms", "login/s", "x possible", "busy GET/s", "x unloaded",
         "busy p99 ms", "failed"),
        [_cells(row, _yardstick(row["server"], rounds)) for row in table(rounds)],
    )  # fmt: skip
    kept = [
        (row["what"], _number(row["measured"], 2) or "-", row["budget"], _number(row["ratio_to_budget"], 2) or "-")
        for row in budgets(rounds)
    ]
    parts = [head, servers]
    if kept:
        title = "measured / budget (for p99 budget / measured: 1.00 or more keeps every budget)"
        parts.append(title + "\n" + _columns(("what", "measured", "budget", "ratio to budget"), kept))
    parts += [f"note: {note}" for note in conditions.notes]
    return "\n\n".join(parts)


def write_json(file: Path, rounds: Sequence[Round], conditions: Conditions) -> None:
    document = {
        "at": dt.datetime.now(dt.UTC).isoformat(),
        "machine": {"cores": CORES, "python": platform.python_version(), "system": platform.system()},
        "conditions": dataclasses.asdict(conditions)
        | {
            "members": MEMBERS,
            "connections": CONNECTIONS,
            "login_clients": LOGIN_CLIENTS,
            "busy_clients": BUSY_CLIENTS,
        },
        "servers": table(rounds),
        "budgets": budgets(rounds),
        "rounds": [{name: dataclasses.asdict(turn) for name, turn in turns.items()} for turns in rounds],
    }
    file.write_text(json.dumps(document, indent=2) + "\n")


def _row(name: str, turns: Sequence[Turn]) -> dict[str, Any]:
    reads = [turn.reads for turn in turns if turn.reads]
    logins = [turn.logins for turn in turns if turn.logins]
    busy = [turn.busy_reads for turn in turns if turn.busy_reads]
    busy_logins = [turn.busy_logins for turn in turns if turn.busy_logins]
    shares = [turn.share_of_possible_logins for turn in turns if turn.share_of_possible_logins is not None]
    kept = [turn.share_of_reads_when_busy for turn in turns if turn.share_of_reads_when_busy is not None]
    return {
        "server": name,
        "reads_per_second": _median([one.rate for one in reads]),
        "reads_per_second_range": [min(one.rate for one in reads), max(one.rate for one in reads)] if reads else None,
        "p99_ms": _median([one.p99 for one in reads]),
        "logins_per_second": _median([one.rate for one in logins if one.rate is not None]),
        "logins_to_possible": _median(shares),
        "busy_reads_per_second": _median([one.rate for one in busy]),
        "busy_to_unloaded": _median(kept),
        "busy_p99_ms": _median([one.p99 for one in busy]),
        "busy_p99_is_a_lower_bound": any(one.p99_is_a_lower_bound for one in busy),
        "busy_logins_per_second": _median([one.rate for one in busy_logins if one.rate is not None]),
        "failed": sum(one.failed for one in (*reads, *busy)) + sum(one.failed for one in (*logins, *busy_logins)),
    }


def _yardstick(name: str, rounds: Sequence[Round]) -> float | None:
    """Reads of `name` over those of FastAPI with a token check only, on as many workers (all cores: two)."""
    workers = name[-1] if name[-1].isdigit() else "2"
    return median_of(rounds, reads_over(name, f"token-only-{workers}"))


def _cells(row: Mapping[str, Any], to_token_only: float | None) -> tuple[str, ...]:
    low_high = row["reads_per_second_range"]
    bound = ">" if row["busy_p99_is_a_lower_bound"] else ""
    return (
        row["server"],
        _number(row["reads_per_second"], 0),
        f"{low_high[0]:,.0f}-{low_high[1]:,.0f}" if low_high else "",
        _number(to_token_only, 2),
        _number(row["p99_ms"], 1),
        _number(row["logins_per_second"], 2),
        _number(row["logins_to_possible"], 2),
        _number(row["busy_reads_per_second"], 0),
        _number(row["busy_to_unloaded"], 2),
        bound + _number(row["busy_p99_ms"], 1),
        str(row["failed"]),
    )


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
