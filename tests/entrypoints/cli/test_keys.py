"""`moothall keys`."""

from tests.entrypoints.cli.command import Moothall


def test_a_rotated_key_stays_until_it_expires(moothall: Moothall) -> None:
    [first] = moothall.good("--json", "keys", "list").json
    assert first["retired_at"] is None
    new = moothall.good("--json", "keys", "rotate").json
    listed = moothall.good("--json", "keys", "list").json
    assert [key["kid"] for key in listed] == [new["kid"], first["kid"]]
    assert listed[0] == new
    assert listed[1]["retired_at"] is not None
    assert listed[1]["expires_at"] is not None


def test_no_private_half_is_shown(moothall: Moothall) -> None:
    [key] = moothall.good("--json", "keys", "list").json
    assert set(key) == {"kid", "algorithm", "created_at", "retired_at", "expires_at"}
