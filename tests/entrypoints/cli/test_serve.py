"""`moothall serve`, over a real socket."""

import re
import signal
import socket

import httpx

from tests.entrypoints.cli.command import PASSWORD, READY, Moothall, started

CREATE_ADMIN = "moothall users create-admin --email you@example.com"


def _sign_in(port: int, email: str, password: str) -> int:
    form = {"username": email, "password": password}
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/auth/login", data=form).status_code


def test_it_says_where_it_is_and_how_to_begin(moothall: Moothall, port: int) -> None:
    with started("serve", "--port", str(port)) as server:
        said = server.expect(READY)
        assert f"http://127.0.0.1:{port}" in said
        assert str(moothall.home / "moothall-data") in said
        assert CREATE_ADMIN in said
        assert moothall.admin().code == 0
        assert _sign_in(port, "root@example.com", "wrong") == 401
        assert _sign_in(port, "root@example.com", PASSWORD) == 200
        assert "server" not in httpx.get(f"http://127.0.0.1:{port}/health").headers
        ended = server.end(signal.SIGTERM)
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_in_memory_nothing_is_kept_and_somebody_can_get_in(moothall: Moothall, port: int) -> None:
    """The password is told once, and not by the log, however much that says."""
    moothall.setting(LOG_LEVEL="debug")
    with started("--quiet", "serve", "--memory", "--port", str(port)) as server:
        said = server.expect(READY)
        told = re.search(r"administrator is (\S+) with the password (\S+)", said)
        assert told is not None
        assert _sign_in(port, *told.groups()) == 200
        ended = server.end(signal.SIGINT)
    assert ended.err.count(told[2]) == 1
    assert list(moothall.home.iterdir()) == []


def test_in_memory_testers_have_a_hand_on_it_and_begin_with_a_club(moothall: Moothall, port: int) -> None:
    with started("serve", "--memory", "--seed", "demo", "--port", str(port)) as server:
        said = server.expect(READY)
        url = f"http://127.0.0.1:{port}"
        assert "MOOTHALL_PUBLIC_URL" not in said
        told = re.search(r"with the password (\S+): ada, grace", said)
        assert told is not None
        assert _sign_in(port, "ada", told[1]) == 200
        token = httpx.post(f"{url}/testing/token", json={"user": "grace"}).json()["access_token"]
        members = httpx.get(f"{url}/api/v1/users", headers={"Authorization": f"Bearer {token}"}).json()
        assert members["total"] > 10
        httpx.post(f"{url}/api/v1/auth/forgot-password", json={"email": "ada@example.com"})
        (mail,) = httpx.get(f"{url}/testing/mail", params={"to": "ada@example.com"}).json()[-1:]
        assert mail["links"][0].startswith(f"{url}/reset-password?token=")
        assert httpx.get(mail["links"][0]).status_code == 200
        assert httpx.post(f"{url}/testing/reset").status_code == 204
        assert _sign_in(port, "ada", told[1]) == 200
        ended = server.end(signal.SIGTERM)
    assert "Traceback" not in ended.err
    assert list(moothall.home.iterdir()) == []


def test_where_data_is_kept_nobody_has_a_hand_on_it_and_nothing_is_made_up(moothall: Moothall, port: int) -> None:
    with started("serve", "--port", str(port)) as server:
        server.expect(READY)
        for what in ("mail", "clock", "drain", "reset", "token", "fail"):
            for method in ("GET", "POST"):
                assert httpx.request(method, f"http://127.0.0.1:{port}/testing/{what}").status_code == 404
        server.end(signal.SIGTERM)
    refused = moothall("serve", "--seed", "demo")
    assert refused.code == 2
    assert "--memory" in refused.err


def test_several_workers_answer(moothall: Moothall, port: int) -> None:
    assert moothall.admin().code == 0
    with started("serve", "--workers", "2", "--port", str(port)) as server:
        server.expect("startup complete")
        said = server.expect("startup complete")
        assert CREATE_ADMIN not in said
        assert httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
        assert "Traceback" not in server.end(signal.SIGTERM).err


def test_a_hang_up_ends_one_worker_in_order(moothall: Moothall, port: int) -> None:
    """A terminal that is closed, or a supervisor that would have it reloaded."""
    with started("serve", "--port", str(port)) as server:
        server.expect(READY)
        assert "Application shutdown complete" in server.end(signal.SIGHUP).err


def test_workers_end_when_whoever_started_them_was_killed(moothall: Moothall, port: int) -> None:
    with started("serve", "--workers", "2", "--port", str(port)) as server:
        for _ in range(2):
            server.expect("startup complete")
        server.process.kill()
        for _ in range(2):
            server.expect("Application shutdown complete")
        server.end()


def test_workers_say_in_a_sentence_why_they_cannot_be_replaced(moothall: Moothall, port: int) -> None:
    with started("serve", "--workers", "2", "--port", str(port)) as server:
        for _ in range(2):
            server.expect("startup complete")
        (moothall.home / ".env").write_text("MOOTHALL_RATE_LIMIT_LOGIN=5/min\n")
        server.process.send_signal(signal.SIGHUP)
        server.expect("MOOTHALL_RATE_LIMIT_LOGIN")
        server.expect("aborting the restart")
        assert httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
        assert "Traceback" not in server.end(signal.SIGTERM).err


def test_memory_is_for_one_worker(moothall: Moothall) -> None:
    assert moothall("serve", "--memory", "--workers", "2").code == 2
    moothall.setting(WORKERS="2")
    assert moothall("serve", "--memory").code == 2


def test_a_start_without_a_database_fails_in_a_sentence(moothall: Moothall, port: int) -> None:
    moothall.setting(DATABASE_URL="postgresql://moot:s3cret@127.0.0.1:1/moot", DB_TIMEOUT="0.5")
    with started("serve", "--port", str(port)) as server:
        ended = server.end()
    assert ended.code == 9
    assert "error: " in ended.err
    assert "database: PostgreSQL" in ended.err
    assert "Traceback" not in ended.err
    assert "s3cret" not in ended.err


def test_without_a_database_no_worker_is_started(moothall: Moothall) -> None:
    moothall.setting(DATABASE_URL="postgresql://moot:s3cret@127.0.0.1:1/moot", DB_TIMEOUT="0.5")
    assert moothall("serve", "--workers", "2").code == 9


def test_a_taken_port_fails_in_a_sentence(moothall: Moothall) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with started("serve", "--memory", "--port", str(other.getsockname()[1])) as server:
            ended = server.end()
    assert ended.code == 1
    assert "address already in use" in ended.err
    assert "Traceback" not in ended.err


def test_the_description_needs_no_database(moothall: Moothall) -> None:
    description = moothall.good("openapi").json
    assert "/api/v1/auth/login" in description["paths"]
    assert list(moothall.home.iterdir()) == []
