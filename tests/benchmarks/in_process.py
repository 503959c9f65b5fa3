"""Milliseconds, as JSON: what the fixture `moothall` costs a test, and the first steps of a member through it.

Both in this process and with cheap hashes; medians.
"""

import json
import statistics
import time

from moothall.service import PORTALS, Moothall, open_moothall

_TIMES = 30
_PASSWORD = "correct horse battery staple, in process"
_API = "/api/v1"


def main() -> None:
    with PORTALS:  # as the fixture has it
        opened = [_open_and_close() for _ in range(_TIMES)]
        with open_moothall() as moothall:
            walked = [_first_steps(moothall, number) for number in range(_TIMES)]
    print(json.dumps({"application_ms": statistics.median(opened), "first_steps_ms": statistics.median(walked)}))


def _open_and_close() -> float:
    begin = time.perf_counter()
    with open_moothall():
        pass
    return (time.perf_counter() - begin) * 1e3


def _first_steps(moothall: Moothall, number: int) -> float:
    """Register, log in, read oneself."""
    email, client = f"member{number}@example.com", moothall.client
    begin = time.perf_counter()
    client.post(f"{_API}/auth/register", json={"email": email, "password": _PASSWORD}).raise_for_status()
    form = {"username": email, "password": _PASSWORD}
    token = client.post(f"{_API}/auth/login", data=form).raise_for_status().json()["access_token"]
    seen = client.get(f"{_API}/users/me", headers={"Authorization": f"Bearer {token}"})
    seconds = time.perf_counter() - begin
    assert seen.raise_for_status().json()["email"] == email
    return seconds * 1e3


if __name__ == "__main__":
    main()
