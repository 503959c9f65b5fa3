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
from .measures import Drained, Imported, Listed, Started, Turn
from .targets import MEMBERS

Round = Mapping[str, Turn]  # by the name of the server
Figure = Callable[[Round], float | None]  # of one round; None where it was not measured

_ABSENT = Turn(disturbance=0.0)


@dataclass(frozen=True, slots=True)
class Budget:
    """`of`: the figure; `least` or `most`: what it may be at worst; `whose`: how the names begin of those it is for."""

    what: str
    of: Figure
    least: float | None = None
    most: float | None = None
    whose: str = "moothall"

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


def reaction_p99(name: str) -> Figure:
    def figure(turns: Round) -> float | None:
        waits = turns.get(name, _ABSENT).waits
        return waits.p99 if waits else None

    return figure


def jobs_done(name: str) -> Figure:
    def figure(turns: Round) -> float | None:
        drained = turns.get(name, _ABSENT).drained
        return drained.nothing if drained else None

    return figure


def listed(which: Callable[[Listed], float]) -> Figure:
    def figure(turns: Round) -> float | None:
        seen = turns.get("pages", _ABSENT).listed
        return which(seen) if seen else None

    return figure


def started(which: Callable[[Started], float]) -> Figure:
    def figure(turns: Round) -> float | None:
        seen = turns.get("start", _ABSENT).started
        return which(seen) if seen else None

    return figure


def orders_over(way: str, peer: str) -> Figure:
    def figure(turns: Round) -> float | None:
        ours, theirs = (turns.get(f"orders-{name}", _ABSENT).ordered for name in (way, peer))
        return ours / theirs if ours and theirs else None

    return figure


def imported(which: Callable[[Imported], float]) -> Figure:
    def figure(turns: Round) -> float | None:
        seen = turns.get("imports", _ABSENT).imported
        return which(seen) if seen else None

    return figure


def room_over_by_hand(store: str) -> Figure:
    def figure(turns: Round) -> float | None:
        ours, theirs = turns.get(f"room-live-{store}", _ABSENT).said, turns.get("room-by-hand", _ABSENT).said
        return ours.rate / theirs.rate if ours and theirs else None

    return figure


def memory_over_bare(turns: Round) -> float | None:
    ours, theirs = (turns.get(f"memory-{name}", _ABSENT).remembered for name in (_ONE, "sqlalchemy-1"))
    return ours.whole / theirs.whole if ours and theirs else None


def memory_growth(turns: Round) -> float | None:
    ours = turns.get(f"memory-{_ONE}", _ABSENT).remembered
    return ours.whole / ours.half if ours else None


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
    Budget(
        "answer to reaction: SQLite, in the server, p99 ms",
        reaction_p99("reactions-sqlite"),
        most=100.0,
        whose="reactions",
    ),
    Budget(
        "answer to reaction: PostgreSQL, a worker, p99 ms",
        reaction_p99("reactions-postgresql"),
        most=250.0,
        whose="reactions",
    ),
    Budget("jobs that do nothing: PostgreSQL, 1 worker, /s", jobs_done("jobs-moothall"), least=2000.0, whose="jobs"),
    Budget("page anywhere / at the start, worst list", listed(lambda seen: seen.to_start), most=1.5, whose="pages"),
    Budget("rows read / rows returned, worst list", listed(lambda seen: seen.read), most=3.0, whose="pages"),
    Budget("q by time at the database, worst ms", listed(lambda seen: seen.words_ms), most=20.0, whose="pages"),
    Budget("q by name at the database, worst ms", listed(lambda seen: seen.far_words_ms), most=20.0, whose="pages"),
    Budget("memory after many requests / bare", memory_over_bare, most=1.5, whose="memory"),
    Budget("memory after all requests / after half", memory_growth, most=1.02, whose="memory"),
    Budget(
        "orders of 10 lines: PostgreSQL / the same SQL by hand",
        orders_over("moothall", "by-hand-told"),
        least=0.5,
        whose="orders",
    ),
    Budget(
        "rows imported: PostgreSQL / the same by COPY",
        imported(lambda seen: seen.rate / seen.copied),
        least=0.35,
        whose="imports",
    ),
    Budget(
        "memory of an import: all rows / 100,000",
        imported(lambda seen: seen.megabytes / seen.few_megabytes),
        most=1.1,
        whose="imports",
    ),
    Budget(
        "a message to 2,000 sockets: PostgreSQL / websockets.broadcast",
        room_over_by_hand("postgresql"),
        least=0.5,
        whose="room",
    ),
    Budget(
        "a message to 2,000 sockets: SQLite / websockets.broadcast",
        room_over_by_hand("sqlite"),
        least=0.5,
        whose="room",
    ),
    Budget("serve until the first 200 / imports", started(lambda seen: seen.serve_to_imports), most=2.0, whose="start"),
    Budget(
        "serve --memory --seed demo / imports", started(lambda seen: seen.memory_to_imports), most=2.0, whose="start"
    ),
    Budget("moothall --help / import typer", started(lambda seen: seen.help_to_typer), most=2.0, whose="start"),
    Budget("in memory, built and closed, ms", started(lambda seen: seen.in_memory_ms), most=5.0, whose="start"),
    Budget("register, log in, read oneself, ms", started(lambda seen: seen.first_steps_ms), most=10.0, whose="start"),
)


def median_of(rounds: Sequence[Round], figure: Figure) -> float | None:
    """The median of the rounds that have the figure."""
    seen = [value for value in map(figure, rounds) if value is not None]
    return statistics.median(seen) if seen else None


def table(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each server: medians of the rounds. Rates are per second, p99 in milliseconds."""
    return [_row(name, turns) for name, turns in _by_name(rounds) if any(map(_is_served, turns))]


def background(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each who worked in the background; as in `table`. Jobs are done over those by hand."""
    return [_background_row(name, turns) for name, turns in _by_name(rounds) if any(map(_is_background, turns))]


def shops(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each who placed orders; as in `table`."""
    rows = []
    for name, turns in _by_name(rounds):
        if rates := [turn.ordered for turn in turns if turn.ordered is not None]:
            way = name.removeprefix("orders-")
            over = {f"to_{peer}": median_of(rounds, orders_over(way, peer)) for peer in ("by-hand", "by-hand-told")}
            rows.append({"name": name, "orders_per_second": _median(rates), "range": [min(rates), max(rates)], **over})
    return rows


def budgets(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """One row for each budget of those who were measured; the figures are None where they could not be told."""
    names = {name for turns in rounds for name in turns}
    rows = []
    for budget in BUDGETS:
        if not any(name.startswith(budget.whose) for name in names):
            continue
        figure = median_of(rounds, budget.of)
        ratio = None if figure is None else budget.ratio(figure)
        rows.append({"what": budget.what, "measured": figure, "budget": budget.text, "ratio_to_budget": ratio})
    return rows


def details(rounds: Sequence[Round]) -> list[tuple[str, str]]:
    """Which pages were the worst, and how much memory is held."""
    found = []
    for name, turns in _by_name(rounds):
        last = turns[-1]
        if seen := last.listed:
            found += [
                ("members in the lists", f"{seen.members:,}"),
                ("page anywhere / at the start, median", f"{seen.to_start_median:.2f}"),
                ("page anywhere / at the start, worst", f"{seen.to_start:.2f} of {seen.to_start_of}"),
                ("rows read / rows returned, worst", f"{seen.read:.2f} of {seen.read_of}"),
                ("q by time, worst ms", f"{seen.words_ms:.1f} of {seen.words_of}"),
                ("q by name, worst ms", f"{seen.far_words_ms:.1f} of {seen.far_words_of}"),
            ]
        if said := last.said:
            found.append((name, f"{said.rate:,.0f} messages/s to {said.listeners:,}, {said.cpu:.1f} µs of CPU each"))
        if idle := last.idle:
            told = f"{idle.kilobytes:.1f} kB each of {idle.sockets:,} idle sockets, {idle.cores:.2f} cores"
            found.append((name, told))
        if held := last.remembered:
            found.append((name, f"{held.half:.1f} MB, then {held.whole:.1f} MB after {held.requests:,} requests"))
    return found


def as_text(rounds: Sequence[Round], conditions: Conditions) -> str:
    head = (
        f"{len(rounds)} interleaved rounds, medians; {CORES} cores, {MEMBERS} members; 1 client thread with "
        f"{CONNECTIONS} connections for {conditions.seconds} s; {LOGIN_CLIENTS} login clients, {BUSY_CLIENTS} while "
        f"others read; Python {platform.python_version()}\n"
        f"Moothall: rate limit {conditions.rate_limit}, on PostgreSQL with Redis; "
        "the number after a name is its workers"
    )
    parts = [head]
    if answered := table(rounds):
        parts.append(_server_columns(answered, rounds))
    if worked := background(rounds):
        parts.append(_background_columns(worked, rounds))
    if sold := shops(rounds):
        parts.append(_shop_columns(sold))
    if noted := details(rounds):
        parts.append(_columns(("detail", "of the last round"), noted))
    kept = [
        (row["what"], _number(row["measured"], 2) or "-", row["budget"], _number(row["ratio_to_budget"], 2) or "-")
        for row in budgets(rounds)
    ]
    if kept:
        title = "measured / budget (for p99 budget / measured: 1.00 or more keeps every budget)"
        parts.append(title + "\n" + _columns(("what", "measured", "budget", "ratio to budget"), kept))
    parts += [f"note: {note}" for note in conditions.notes]
    return "\n\n".join(parts)


def _server_columns(rows: Sequence[Mapping[str, Any]], rounds: Sequence[Round]) -> str:
    return _columns(
        ("server", "GET/s", "range", "x token-only", "p99 ms", "login/s", "x possible", "busy GET/s", "x unloaded",
         "busy p99 ms", "failed"),
        [_cells(row, _yardstick(row["server"], rounds)) for row in rows],
    )  # fmt: skip


def _background_columns(rows: Sequence[Mapping[str, Any]], rounds: Sequence[Round]) -> str:
    return _columns(
        ("background", "p50 ms", "p99 ms", "since event p99 ms", "jobs/s", "range", "x by hand", "with a row jobs/s",
         "x by hand", "failed"),
        [_background_cells(row, rounds) for row in rows],
    )  # fmt: skip


def _shop_columns(rows: Sequence[Mapping[str, Any]]) -> str:
    return _columns(
        ("orders of 10 lines", "orders/s", "range", "x by hand", "x by hand, told"),
        [
            (
                row["name"],
                _number(row["orders_per_second"], 0),
                f"{row['range'][0]:,.0f}-{row['range'][1]:,.0f}",
                _number(row["to_by-hand"], 2),
                _number(row["to_by-hand-told"], 2),
            )
            for row in rows
        ],
    )


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
        "background": background(rounds),
        "orders": shops(rounds),
        "budgets": budgets(rounds),
        "rounds": [{name: dataclasses.asdict(turn) for name, turn in turns.items()} for turns in rounds],
    }
    file.write_text(json.dumps(document, indent=2) + "\n")


def _by_name(rounds: Sequence[Round]) -> list[tuple[str, list[Turn]]]:
    names = dict.fromkeys(name for turns in rounds for name in turns)
    return [(name, [turns[name] for turns in rounds if name in turns]) for name in names]


def _is_served(turn: Turn) -> bool:
    return turn.reads is not None or turn.logins is not None or turn.busy_reads is not None


def _is_background(turn: Turn) -> bool:
    return turn.waits is not None or turn.drained is not None


def _background_row(name: str, turns: Sequence[Turn]) -> dict[str, Any]:
    waits = [turn.waits for turn in turns if turn.waits]
    drained = [turn.drained for turn in turns if turn.drained]
    jobs = [one.nothing for one in drained]
    return {
        "name": name,
        "p50_ms": _median([one.p50 for one in waits]),
        "p99_ms": _median([one.p99 for one in waits]),
        "p99_ms_since_emitted": _median([one.p99_since_emitted for one in waits]),
        "jobs_per_second": _median(jobs),
        "jobs_per_second_range": [min(jobs), max(jobs)] if jobs else None,
        "jobs_with_row_per_second": _median([one.rows for one in drained]),
        "failed": sum(one.failed for one in waits),
    }


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


def _background_cells(row: Mapping[str, Any], rounds: Sequence[Round]) -> tuple[str, ...]:
    low_high = row["jobs_per_second_range"]
    return (
        row["name"],
        _number(row["p50_ms"], 1),
        _number(row["p99_ms"], 1),
        _number(row["p99_ms_since_emitted"], 1),
        _number(row["jobs_per_second"], 0),
        f"{low_high[0]:,.0f}-{low_high[1]:,.0f}" if low_high else "",
        _number(median_of(rounds, _over_by_hand(row["name"], lambda drained: drained.nothing)), 2),
        _number(row["jobs_with_row_per_second"], 0),
        _number(median_of(rounds, _over_by_hand(row["name"], lambda drained: drained.rows)), 2),
        str(row["failed"]),
    )


def _over_by_hand(name: str, which: Callable[[Drained], float]) -> Figure:
    def figure(turns: Round) -> float | None:
        ours, theirs = turns.get(name, _ABSENT).drained, turns.get("jobs-by-hand", _ABSENT).drained
        return which(ours) / which(theirs) if ours and theirs else None

    return figure


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
