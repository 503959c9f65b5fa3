"""`moothall sessions`."""

from application.app import Application
from tests.entrypoints.cli.command import OPERATOR, PASSWORD, Moothall


def _sign_in(moothall: Moothall, times: int = 1) -> None:
    moothall.good("users", "create", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD)

    async def log_in(application: Application) -> None:
        for _ in range(times):
            await application.identity.log_in(OPERATOR, login="ada@example.com", password=PASSWORD)

    moothall.behind(log_in)


def test_sessions_are_listed(moothall: Moothall) -> None:
    _sign_in(moothall, times=2)
    sessions = moothall.good("--json", "sessions", "list", "ada@example.com").json
    assert len(sessions) == 2
    assert set(sessions[0]) == {
        "id", "created_at", "last_used_at", "expires_at", "address", "user_agent", "impersonated_by", "is_current"
    }  # fmt: skip
    assert sessions[0]["expires_at"].endswith("Z")
    assert len(moothall.good("sessions", "list", "ada@example.com", "--limit", "1").out.splitlines()) == 1


def test_one_session_is_ended(moothall: Moothall) -> None:
    _sign_in(moothall, times=2)
    first, second = moothall.good("--json", "sessions", "list", "ada@example.com").json
    assert moothall("sessions", "end", first["id"]).code == 2
    moothall.good("--yes", "sessions", "end", first["id"])
    left = moothall.good("--json", "sessions", "list", "ada@example.com").json
    assert [session["id"] for session in left] == [second["id"]]
    assert moothall("--yes", "sessions", "end", first["id"]).code == 3


def test_all_sessions_of_a_member_are_ended(moothall: Moothall) -> None:
    _sign_in(moothall, times=3)
    assert moothall("sessions", "end", "--user", "ada@example.com").code == 2
    ended = moothall.good("--yes", "sessions", "end", "--user", "ada@example.com")
    assert ended.err == "Ended 3 sessions of ada@example.com.\n"
    assert moothall.good("--json", "sessions", "list", "ada@example.com").json == []


def test_what_to_end_has_to_be_clear(moothall: Moothall) -> None:
    some_id = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert moothall("--yes", "sessions", "end").code == 2
    assert moothall("--yes", "sessions", "end", "not-an-id").code == 2
    assert moothall("--yes", "sessions", "end", some_id, "--user", "ada@example.com").code == 2


def test_sessions_of_nobody_are_not_found(moothall: Moothall) -> None:
    assert moothall("sessions", "list", "nobody").code == 3
    assert moothall("--yes", "sessions", "end", "--user", "nobody").code == 3
