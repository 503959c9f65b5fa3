"""`make drills`: every drill at length, and a table of what held."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from tests.drills import edges, fleet, flood, mailing, writers
from tests.drills.processes import Outcome
from tests.stores import POSTGRESQL, SQLITE

DRILLS: Mapping[str, Callable[[int, int], Outcome]] = {
    "edges-sqlite": lambda seed, times: edges.drill(SQLITE, 260 * times, seed),
    "edges-postgresql": lambda seed, times: edges.drill(POSTGRESQL, 260 * times, seed),
    "fleet": lambda seed, times: fleet.drill(10_000 * times, seed),
    "flood": lambda seed, times: flood.drill(200, 10.0 * times, seed),
    "mails-sqlite": lambda seed, times: mailing.drill(SQLITE, 50 * times, seed),
    "mails-postgresql": lambda seed, times: mailing.drill(POSTGRESQL, 50 * times, seed),
    "writers": lambda seed, times: writers.drill(200 * times, seed),
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
        outcome = drill(options.seed, options.times)
        print(f"{outcome} ({time.monotonic() - began:.0f} s)", flush=True)
        for flaw in outcome.broken[:20]:
            print(f"    {flaw}")
        all_held = all_held and not outcome.broken
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
