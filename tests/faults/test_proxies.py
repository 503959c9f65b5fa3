"""X-Forwarded-For counts from a proxy that is trusted, and from nobody else (S24)."""

from pathlib import Path

import httpx
import pytest

from tests.project.server import serving

LIMIT = 3
ENV = {"MOOTHALL_RATE_LIMIT_DEFAULT": f"{LIMIT}/day"}


def asked(client: httpx.Client, *forwarded: str) -> int:
    headers = [("X-Forwarded-For", each) for each in forwarded]
    return client.get("/api/v1/users/me", headers=headers).status_code


def test_an_untrusted_peer_gets_round_no_limit_by_what_it_says(tmp_path: Path) -> None:
    with serving(tmp_path, env=ENV) as server, httpx.Client(base_url=server.url) as client:
        statuses = [asked(client, f"198.51.100.{n}") for n in range(10)]
    assert statuses == [401] * LIMIT + [429] * (10 - LIMIT)


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.1/8,10.0.0.0/8,2001:db8:ffff::/48"])
def test_from_a_trusted_proxy_the_clients_address_counts(tmp_path: Path, trusted: str) -> None:
    env = {**ENV, "MOOTHALL_TRUSTED_PROXIES": trusted}
    with serving(tmp_path, env=env) as server, httpx.Client(base_url=server.url) as client:
        assert [asked(client, "198.51.100.1") for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
        assert asked(client, "198.51.100.2") == 401
        # what the client itself claims stands to the left of what the proxy adds, in one line or in its own
        assert asked(client, "203.0.113.9, 198.51.100.1") == 429
        assert asked(client, "203.0.113.9", "198.51.100.1") == 429
        # of IPv6 the network counts, with a port or without
        for form in ("2001:db8::1", "2001:db8::2", "[2001:db8::3]:4711"):
            assert asked(client, form) == 401
        assert asked(client, "2001:db8::4") == 429
        assert asked(client, "2001:db8:0:1::4") == 401


def test_in_a_chain_the_first_address_that_no_trusted_proxy_has_counts(tmp_path: Path) -> None:
    env = {**ENV, "MOOTHALL_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8,2001:db8:ffff::/48"}
    with serving(tmp_path, env=env) as server, httpx.Client(base_url=server.url) as client:
        for n in range(LIMIT):
            assert asked(client, f"203.0.113.{n}, 198.51.100.1, 10.0.0.{n}") == 401
        assert asked(client, "198.51.100.1, 10.9.9.9") == 429
        assert asked(client, "198.51.100.1, 2001:db8:ffff::7", "10.9.9.9") == 429
        assert asked(client, "198.51.100.1, 192.0.2.1, 10.9.9.9") == 401
