"""`make drills`: every drill at length, and a table of what held."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from tests.drills import (
    buyers,
    cuts,
    edges,
    fleet,
    flood,
    imports,
    interleavings,
    mailing,
    redis_away,
    restart,
    revocation,
    shown_out,
    timing,
    writers,
)
from tests.drills.processes import Outcome
from tests.drills.servers import TWO_SERVERS_AND_REDIS, TWO_SERVERS_ON_A_FILE, TWO_WORKERS
from tests.stores import POSTGRESQL, SQLITE

DRILLS: Mapping[str, Callable[[int, int], Outcome | Sequence[Outcome]]] = {
    "buyers-sqlite": lambda seed, times: buyers.drill(SQLITE, 20 * times, seed),
    "buyers-postgresql": lambda seed, times: buyers.drill(POSTGRESQL, 20 * times, seed),
    "cuts": lambda seed, times: cuts.drill(1_000 * times, seed),
    "cuts-redis": lambda seed, times: cuts.drill(1_000 * times, seed, with_redis_away=True),
    "edges-sqlite": lambda seed, times: edges.drill(SQLITE, 260 * times, seed),
    "edges-postgresql": lambda seed, times: edges.drill(POSTGRESQL, 260 * times, seed),
    "fleet": lambda seed, times: fleet.drill(10_000 * times, seed),
    "flood": lambda seed, times: flood.drill(200, 10.0 * times, seed),
    "imports-sqlite": lambda seed, times: imports.drill(SQLITE, 200 * times, seed),
    "imports-postgresql": lambda seed, times: imports.drill(POSTGRESQL, 200 * times, seed),
    "mails-sqlite": lambda seed, times: mailing.drill(SQLITE, 50 * times, seed),
    "mails-postgresql": lambda seed, times: mailing.drill(POSTGRESQL, 50 * times, seed),
    "writers": lambda seed, times: writers.drill(200 * times, seed),
    "revocation-redis": lambda seed, times: revocation.drill(TWO_SERVERS_AND_REDIS, 1000 * times, seed),
    "revocation-sqlite": lambda seed, times: revocation.drill(TWO_SERVERS_ON_A_FILE, 1000 * times, seed),
    "revocation-workers": lambda seed, times: revocation.drill(TWO_WORKERS, 1000 * times, seed),
    "interleavings-redis": lambda seed, times: interleavings.drill(TWO_SERVERS_AND_REDIS, 100 * times, seed),
    "interleavings-sqlite": lambda seed, times: interleavings.drill(TWO_SERVERS_ON_A_FILE, 100 * times, seed),
    "interleavings-workers": lambda seed, times: interleavings.drill(TWO_WORKERS, 100 * times, seed),
    "shown-out-redis": lambda seed, times: shown_out.drill(TWO_SERVERS_AND_REDIS, 200 * times, seed),
    "shown-out-sqlite": lambda seed, times: shown_out.drill(TWO_SERVERS_ON_A_FILE, 200 * times, seed),
    "shown-out-workers": lambda seed, times: shown_out.drill(TWO_WORKERS, 200 * times, seed),
    "redis-frozen": lambda seed, times: redis_away.drill("frozen", 3 * times, seed),
    "redis-killed": lambda seed, times: redis_away.drill("killed", 3 * times, seed),
    "redis-emptied": lambda seed, times: redis_away.drill("emptied", 3 * times, seed),
    "restart": lambda seed, times: restart.drill(10 * times, seed),
    "timing-sqlite": lambda seed, times: timing.drill(SQLITE, 1000 * times, seed),
    "timing-postgresql": lambda seed, times: timing.drill(POSTGRESQL, 1000 * times, seed),
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
    print(f"{'drill':<58} {'held':>6} / tried")
    for name, drill in DRILLS.items():
        if options.names and name not in options.names:
            continue
        began = time.monotonic()
        found = drill(options.seed, options.times)
        outcomes = [found] if isinstance(found, Outcome) else found
        took = time.monotonic() - began
        for outcome in outcomes:
            print(f"{outcome} ({took:.0f} s)", flush=True)
            for flaw in outcome.broken[:20]:
                print(f"    {flaw}")
            all_held = all_held and not outcome.broken
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
