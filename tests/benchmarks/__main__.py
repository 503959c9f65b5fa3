"""The command line: `python -m tests.benchmarks --help`."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from .background import Drains, Reactions
from .bare_peer import BareFastApi, BareMembers
from .client import AnswerError
from .fastapi_users_peer import FastApiUsers
from .imports import FEWER_ROWS, MANY_ROWS, Imports
from .load import CORES, LoadError, MissingToolError, find_wrk
from .machine import QUIET
from .measures import BCRYPT_ALONE, Contestant, Measure, Plan, Server, Turn, measure_bcrypt
from .memory import FEWER_REQUESTS, REQUESTS, Memories
from .moothall_peer import Installation, Moothall, Store
from .orders import Orders
from .pages import FEWER_MEMBERS, Lists
from .pages import MEMBERS as MANY_MEMBERS
from .pocketbase_peer import PocketBase
from .postgres import Databases, databases
from .redis import redis_url
from .report import Conditions, as_text, write_json
from .rooms import FEWER_IDLE, IDLE, IdleSockets, Rooms, RoomsByHand
from .servers import ServerError
from .starting import Starts
from .targets import Target
from .workspace import BENCH, Workspace

_WITH_BUDGETS = [
    "moothall",
    "pocketbase",
    "token-only",
    "fastapi-users",
    "reactions",
    "jobs",
    "start",
    "memory",
    "pages",
    "orders",
    "imports",
    "room",
    "idle",
]
_CREDIBLE = 1.1  # of the possible logins: more can only be a mistake
_FAILURES = (ServerError, LoadError, AnswerError, MissingToolError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when there are figures, whatever they are; 1 when there are none; 130 when interrupted."""
    options = _options(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt_once)
    try:
        if _plan(options).serves:
            find_wrk()
        BENCH.mkdir(exist_ok=True)
        return _run(options, Workspace(Path(tempfile.mkdtemp(prefix="run-", dir=BENCH))))
    except _FAILURES as error:
        _say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        _say("bench: interrupted; everything was stopped")
        return 130


def _run(options: argparse.Namespace, workspace: Workspace) -> int:
    """The files of the run stay only where something failed."""
    limit = time.monotonic() + options.limit
    plan = _plan(options)
    workspace.directory.chmod(0o755)  # PostgreSQL may have to run as somebody else
    notes: list[str] = []
    rounds: list[dict[str, Turn]] = []
    try:
        with (
            databases(workspace.directory / "postgresql") as shared,
            redis_url(workspace.directory / "redis", workspace.log("redis")) as redis,
        ):
            everybody = _contestants(workspace, shared, redis, options)
            ready = _prepared(_chosen(everybody, options.peers, plan), notes)
            for number in range(options.rounds):
                turns = _round(ready, plan, f"round {number + 1}", limit, notes)
                if turns:
                    rounds.append(turns)
    except KeyboardInterrupt:
        workspace.remove()
        raise
    if notes:
        notes.append(f"the logs are in {workspace.directory.relative_to(BENCH.parent)}")
    else:
        workspace.remove()
    notes += _reservations(options, rounds)
    conditions = Conditions(options.seconds, options.rate_limit, tuple(notes))
    print(as_text(rounds, conditions))
    if options.json:
        write_json(options.json, rounds, conditions)
    return 0 if rounds else 1


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(frozenset(options.measures), options.seconds)


def _contestants(workspace: Workspace, shared: Databases, redis: str, options: argparse.Namespace) -> list[Contestant]:
    settings = {"MOOTHALL_RATE_LIMIT_DEFAULT": str(options.rate_limit)}

    def installation(store: Store, purpose: str = "moothall") -> Installation:
        return Installation(store, workspace, shared, settings, redis, purpose)

    on_postgresql, on_sqlite = installation("postgresql"), installation("sqlite")
    bare = BareMembers(workspace, shared)
    servers: list[Target] = [
        Moothall(on_postgresql, workers=1),
        Moothall(on_postgresql, workers=2),
        Moothall(on_sqlite, workers=1),
        FastApiUsers(workspace, shared, workers=2),
        BareFastApi(bare, "claims", workers=1),
        BareFastApi(bare, "claims", workers=2),
        BareFastApi(bare, "row", workers=1),
        BareFastApi(bare, "row", workers=2),
        PocketBase(workspace),
    ]
    for_work, shop = installation("postgresql", "work"), installation("postgresql", "orders")
    in_room = installation("postgresql", "live")
    return [
        *map(Server, servers),
        Reactions(installation("sqlite", "work")),
        Reactions(for_work),
        Drains(for_work, by_hand=False),
        Drains(for_work, by_hand=True),
        Orders(shop, "moothall"),
        Orders(shop, "by-hand"),
        Orders(shop, "by-hand-told"),
        Imports(installation("postgresql", "imports"), FEWER_ROWS if options.quick else MANY_ROWS),
        Rooms(in_room),
        Rooms(installation("sqlite", "live")),
        RoomsByHand(workspace),
        IdleSockets(in_room, FEWER_IDLE if options.quick else IDLE),
        Starts(installation("sqlite", "start")),
        Lists(installation("postgresql", "pages"), FEWER_MEMBERS if options.quick else MANY_MEMBERS),
        *(
            Memories(target, FEWER_REQUESTS if options.quick else REQUESTS)
            for target in (Moothall(on_postgresql, workers=1), BareFastApi(bare, "sqlalchemy", workers=1))
        ),
    ]


def _chosen(everybody: Sequence[Contestant], wanted: Sequence[str], plan: Plan) -> list[Contestant]:
    """Those whose name begins with one of `wanted`, or all; without those that no measure concerns."""
    named = [each for each in everybody if not wanted or each.name.startswith(tuple(wanted))]
    return [each for each in named if each.concerned(plan)]


def _prepared(chosen: Sequence[Contestant], notes: list[str]) -> list[Contestant]:
    """Those that could be seeded: one server that does not run must not cost the figures of the others."""
    ready = []
    for each in chosen:
        _say(f"seeding {each.name}")
        try:
            each.prepare()
        except Exception as error:
            notes.append(f"{each.name} left out: {type(error).__name__}: {error}")
        else:
            ready.append(each)
    return ready


def _round(chosen: Sequence[Contestant], plan: Plan, title: str, limit: float, notes: list[str]) -> dict[str, Turn]:
    turns: dict[str, Turn] = {}
    if Measure.LOGIN in plan.measures:
        turns[BCRYPT_ALONE] = measure_bcrypt(plan)
    for each in chosen:
        if time.monotonic() > limit:
            notes.append(f"{title} ended before {each.name}: the time limit was reached")
            break
        _say(f"{title}: {each.name}")
        try:
            turns[each.name] = each.take(plan)
        except Exception as error:
            notes.append(f"{title}, {each.name}: {type(error).__name__}: {error}")
    return turns


def _reservations(options: argparse.Namespace, rounds: Sequence[dict[str, Turn]]) -> list[str]:
    """What a reader must hold against the figures."""
    found = []
    if len(rounds) < 3:
        found.append(f"{len(rounds)} of the three rounds that noise needs at least: a glance, not a result")
    turns = [turn for each in rounds for turn in each.values()]
    disturbed = sum(turn.disturbance > QUIET for turn in turns)
    if disturbed:
        found.append(f"{disturbed} of {len(turns)} turns began while others used the machine: doubtful")
    shares = [turn.share_of_possible_logins or 0.0 for turn in turns]
    if max(shares, default=0.0) > _CREDIBLE:
        found.append("more logins than hashing allows: a hash was timed while others used the machine, or is too cheap")
    if options.rate_limit == "off":
        found.append("the budgets are meant with a high rate limit: --rate-limit 1000000/minute")
    if CORES != 2:
        found.append("the budgets are meant on two cores: taskset --cpu-list 0,1 …")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    every = list(Measure)
    parser.add_argument("--measures", nargs="+", type=Measure, choices=every, default=every, metavar="MEASURE",
                        help=f"any of {', '.join(every)} (all)")  # fmt: skip
    parser.add_argument("--peers", nargs="+", default=[], metavar="NAME", help="those whose name begins so (all)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--seconds", type=int, default=4, help="of load for one figure in one round (4)")
    parser.add_argument("--limit", type=int, default=900, help="seconds after which nobody takes another turn (900)")
    parser.add_argument("--quick", action="store_true", help="one short round, under four minutes")
    parser.add_argument("--rate-limit", default="off", help="Moothall's limit for each caller (off)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables and all rounds there too")
    return parser


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds, options.limit = 1, 2, 150
        options.peers = options.peers or _WITH_BUDGETS
    return options


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Stop in order; a second Ctrl-C must not disturb the stopping."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
