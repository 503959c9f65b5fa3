"""`make drills`: every drill at length, and a table of what held."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.drills import (
    buyers,
    commits,
    cuts,
    database_restarted,
    edges,
    fleet,
    flood,
    imports,
    interleavings,
    mailing,
    migrators,
    redis_away,
    refreshes,
    restart,
    revocation,
    shown_out,
    timing,
    writers,
)
from tests.drills.processes import Outcome
from tests.drills.servers import TWO_SERVERS_AND_REDIS, TWO_SERVERS_ON_A_FILE, TWO_WORKERS
from tests.stores import POSTGRESQL, SQLITE


@dataclass(frozen=True)
class Drill:
    """`holds`: the promises of docs/security.md that it tries. `run` is given the seed, and how many times as long."""

    holds: str
    run: Callable[[int, int], Outcome | Sequence[Outcome]]


DRILLS: Mapping[str, Drill] = {
    "buyers-sqlite": Drill("S20 S25", lambda seed, times: buyers.drill(SQLITE, 20 * times, seed)),
    "buyers-postgresql": Drill("S20 S25", lambda seed, times: buyers.drill(POSTGRESQL, 20 * times, seed)),
    "cuts": Drill("S36", lambda seed, times: cuts.drill(1_000 * times, seed)),
    "cuts-redis": Drill("S36", lambda seed, times: cuts.drill(1_000 * times, seed, with_redis_away=True)),
    "commits": Drill("S33", lambda seed, times: commits.drill(300 * times, seed)),
    "edges-sqlite": Drill("S29 S30", lambda seed, times: edges.drill(SQLITE, 260 * times, seed)),
    "edges-postgresql": Drill("S29 S30", lambda seed, times: edges.drill(POSTGRESQL, 260 * times, seed)),
    "fleet": Drill("S29", lambda seed, times: fleet.drill(10_000 * times, seed)),
    "flood": Drill("S10", lambda seed, times: flood.drill(200, 10.0 * times, seed)),
    "imports-sqlite": Drill("S29", lambda seed, times: imports.drill(SQLITE, 200 * times, seed)),
    "imports-postgresql": Drill("S29", lambda seed, times: imports.drill(POSTGRESQL, 200 * times, seed)),
    "mails-sqlite": Drill("S30", lambda seed, times: mailing.drill(SQLITE, 50 * times, seed)),
    "mails-postgresql": Drill("S30", lambda seed, times: mailing.drill(POSTGRESQL, 50 * times, seed)),
    "migrators-sqlite": Drill("S35", lambda seed, times: migrators.drill(SQLITE, 20 * times, seed)),
    "migrators-postgresql": Drill("S35", lambda seed, times: migrators.drill(POSTGRESQL, 20 * times, seed)),
    "database-restarted": Drill("S32", lambda seed, times: database_restarted.drill(5 * times, seed)),
    "writers": Drill("S35", lambda seed, times: writers.drill(200 * times, seed)),
    "revocation-redis": Drill("S16", lambda seed, times: revocation.drill(TWO_SERVERS_AND_REDIS, 1000 * times, seed)),
    "revocation-sqlite": Drill("S16", lambda seed, times: revocation.drill(TWO_SERVERS_ON_A_FILE, 1000 * times, seed)),
    "revocation-workers": Drill("S16", lambda seed, times: revocation.drill(TWO_WORKERS, 1000 * times, seed)),
    "interleavings-redis": Drill(
        "S16", lambda seed, times: interleavings.drill(TWO_SERVERS_AND_REDIS, 100 * times, seed)
    ),
    "interleavings-sqlite": Drill(
        "S16", lambda seed, times: interleavings.drill(TWO_SERVERS_ON_A_FILE, 100 * times, seed)
    ),
    "interleavings-workers": Drill("S16", lambda seed, times: interleavings.drill(TWO_WORKERS, 100 * times, seed)),
    "shown-out-redis": Drill("S36", lambda seed, times: shown_out.drill(TWO_SERVERS_AND_REDIS, 200 * times, seed)),
    "shown-out-sqlite": Drill("S36", lambda seed, times: shown_out.drill(TWO_SERVERS_ON_A_FILE, 200 * times, seed)),
    "shown-out-workers": Drill("S36", lambda seed, times: shown_out.drill(TWO_WORKERS, 200 * times, seed)),
    "redis-frozen": Drill("S34", lambda seed, times: redis_away.drill("frozen", 3 * times, seed)),
    "redis-killed": Drill("S34", lambda seed, times: redis_away.drill("killed", 3 * times, seed)),
    "redis-emptied": Drill("S34", lambda seed, times: redis_away.drill("emptied", 3 * times, seed)),
    "refreshes-redis": Drill("S13", lambda seed, times: refreshes.drill(TWO_SERVERS_AND_REDIS, 1000 * times, seed)),
    "refreshes-sqlite": Drill("S13", lambda seed, times: refreshes.drill(TWO_SERVERS_ON_A_FILE, 1000 * times, seed)),
    "refreshes-workers": Drill("S13", lambda seed, times: refreshes.drill(TWO_WORKERS, 1000 * times, seed)),
    "restart": Drill("S31", lambda seed, times: restart.drill(10 * times, seed)),
    "timing-sqlite": Drill("S2", lambda seed, times: timing.drill(SQLITE, 1000 * times, seed)),
    "timing-postgresql": Drill("S2", lambda seed, times: timing.drill(POSTGRESQL, 1000 * times, seed)),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make drills", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(DRILLS)}; all of them unless some are named")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same instants (%(default)s)")
    parser.add_argument("--times", type=int, default=1, help="as many instants again (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.names) - DRILLS.keys():
        parser.error(f"There is no drill called {', '.join(sorted(unknown))}.")
    all_held = True
    print(f"{'holds':<8} {'drill':<58} {'held':>6} / tried")
    for name, drill in DRILLS.items():
        if options.names and name not in options.names:
            continue
        began = time.monotonic()
        found = drill.run(options.seed, options.times)
        outcomes = [found] if isinstance(found, Outcome) else found
        took = time.monotonic() - began
        for outcome in outcomes:
            print(f"{drill.holds:<8} {outcome} ({took:.0f} s)", flush=True)
            for flaw in outcome.broken[:20]:
                print(f"    {flaw}")
            all_held = all_held and not outcome.broken
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
