"""Whatever is sent, in whatever order: no 5xx, nothing that is not described, nobody where they may not be (S21).

`MOOTHALL_TEST_REQUESTS` says how long to go on, and `MOOTHALL_TEST_SEED` with what to begin. In memory some thousands
are enough: what is told to everybody goes to all who ever registered.
"""

import os
import re
import uuid
from pathlib import Path

import pytest
import requests

from tests.proof.description import described, operations
from tests.proof.machine import explore, open_place
from tests.stores import MEMORY, POSTGRESQL, database_url

REQUESTS = int(os.environ.get("MOOTHALL_TEST_REQUESTS", "600"))
SEED = int(os.environ.get("MOOTHALL_TEST_SEED", "0"))
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "TRACE"}
DESCRIPTION = described()


@pytest.mark.parametrize("store", [MEMORY, POSTGRESQL])
def test_all_checks_hold_from_answer_to_answer(store: str, tmp_path: Path) -> None:
    chosen = {"data_dir": tmp_path, "database_url": database_url(store, tmp_path)}
    with open_place(chosen, store) as place:
        outcome = explore(place, requests=REQUESTS, seed=SEED)
    names = {f"{method.upper()} {path}" for path, method, _ in operations(DESCRIPTION)}
    print(f"{outcome.requests} requests; excused: {sum(outcome.excused.values())} {dict(outcome.excused)}")
    print("never tried:", sorted(names - set(outcome.answers)))
    print("never done:", sorted(names - outcome.succeeded()))
    print("tried with bad credentials:", len(outcome.guarded))
    assert not outcome.found, "\n\n".join(outcome.found.values())
    assert len(outcome.answers) > 0.8 * len(names)
    assert len(outcome.succeeded()) > 0.6 * len(names)


def test_a_method_that_is_not_described_is_refused_and_those_that_are_are_named(tmp_path: Path) -> None:
    """What schemathesis sees to in a phase of its own."""
    with open_place({"data_dir": tmp_path}, MEMORY) as place:
        for template, item in DESCRIPTION["paths"].items():
            path = re.sub("{[a-z_]+}", str(uuid.uuid4()), template)
            here = {method.upper() for method in item}
            for method in sorted(METHODS - _methods_of(path)):
                answer = requests.request(method, place.server.url + path, timeout=5)
                allowed = {name.strip() for name in answer.headers.get("Allow", "").split(",")}
                assert answer.status_code == 405, f"{method} {path}"
                assert here <= allowed <= _methods_of(path) | {"HEAD", "OPTIONS"}, f"{method} {path}: {allowed}"


def _methods_of(path: str) -> set[str]:
    """Of all operations that it may lead to: `/users/me` is one of `/users/{user_id}`, too."""
    return {
        method.upper()
        for template, method, _ in operations(DESCRIPTION)
        if re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template)), path)
    }
