"""`moothall doctor`."""

from datetime import UTC, datetime, timedelta

from application.app import Application
from domain.jobs.job import Job
from tests.entrypoints.cli.command import Moothall
from tests.entrypoints.work import a_delivery, a_job, store
from tests.s3_server import s3_server
from tests.services import redis_url


def _found(moothall: Moothall) -> tuple[int, dict[str, str]]:
    outcome = moothall("--json", "doctor")
    assert "Traceback" not in outcome.err
    return outcome.code, {finding["check"]: finding["status"] for finding in outcome.json}


def test_a_fresh_installation_lacks_an_administrator_only(moothall: Moothall) -> None:
    code, found = _found(moothall)
    assert code == 0
    assert found.pop("administrator") == "warning"
    assert set(found) == {
        "settings",
        "data directory",
        "secret",
        "proxies",
        "mail",
        "files",
        "redis",
        "database",
        "migrations",
        "signing key",
        "jobs",
    }
    assert set(found.values()) == {"ok"}


def test_with_an_administrator_everything_is_ok(moothall: Moothall) -> None:
    moothall.admin()
    assert _found(moothall)[1]["administrator"] == "ok"


def test_each_check_is_a_line_that_says_what_to_do(moothall: Moothall) -> None:
    lines = moothall("doctor").out.splitlines()
    assert lines[0].split("\t")[:2] == ["ok", "settings"]
    assert lines[-1].startswith("warning\tadministrator\t")
    assert "moothall users create-admin" in lines[-1]


def test_a_wrong_setting_is_found(moothall: Moothall) -> None:
    moothall.setting(BCRYPT_COST="99")
    outcome = moothall("doctor")
    assert outcome.code == 1
    assert outcome.out.startswith("failed\tsettings\tMOOTHALL_BCRYPT_COST")


def test_a_redis_that_answers_is_told_and_one_that_is_away_is_found(moothall: Moothall) -> None:
    moothall.setting(REDIS_URL=redis_url())
    assert _found(moothall)[1]["redis"] == "ok"
    moothall.setting(REDIS_URL="redis://ada:s3cret@127.0.0.1:1/0")
    code, found = _found(moothall)
    assert (code, found["redis"], found["database"]) == (0, "warning", "ok")
    assert "s3cret" not in moothall("doctor").out


def test_a_redis_that_cannot_be_is_found(moothall: Moothall) -> None:
    moothall.setting(REDIS_URL="http://127.0.0.1")
    code, found = _found(moothall)
    assert (code, found["redis"]) == (1, "failed")
    assert "database" not in found


def test_a_data_directory_that_cannot_be_written_is_found(moothall: Moothall) -> None:
    (moothall.home / "moothall-data").touch()
    assert _found(moothall) == (1, {"settings": "ok", "data directory": "failed"})


def test_an_empty_secret_is_found(moothall: Moothall) -> None:
    folder = moothall.home / "moothall-data"
    folder.mkdir()
    (folder / "secret.key").touch()
    code, found = _found(moothall)
    assert (code, found["secret"]) == (1, "failed")


def test_a_database_that_is_none_is_found(moothall: Moothall) -> None:
    moothall.good("users", "list")
    (moothall.home / "moothall-data" / "moothall.db").write_bytes(b"this is no database" * 1000)
    code, found = _found(moothall)
    assert (code, found["database"]) == (1, "failed")


def test_a_database_that_is_away_is_found(moothall: Moothall) -> None:
    moothall.setting(DATABASE_URL="postgresql://moot:s3cret@127.0.0.1:1/moot", DB_TIMEOUT="0.5")
    code, found = _found(moothall)
    assert (code, found["database"]) == (1, "failed")


def test_a_secret_that_changed_is_found(moothall: Moothall) -> None:
    moothall.good("users", "list")
    moothall.setting(SECRET_KEY="another-secret-that-is-long-enough-for-it")
    code, found = _found(moothall)
    assert (code, found["signing key"]) == (0, "warning")


def test_jobs_that_nobody_does_are_found(moothall: Moothall) -> None:
    _stored(moothall, a_job(datetime.now(UTC) - timedelta(seconds=30)))
    code, found = _found(moothall)
    assert (code, found["jobs"]) == (0, "ok")
    _stored(moothall, a_job(datetime.now(UTC) - timedelta(seconds=61)))
    code, found = _found(moothall)
    assert (code, found["jobs"]) == (0, "warning")
    [line] = [line for line in moothall("doctor").out.splitlines() if line.startswith("warning\tjobs\t")]
    assert "\t2 due, the oldest since " in line
    assert line.endswith("\tis the server running?")


def test_jobs_that_are_tried_again_are_told(moothall: Moothall) -> None:
    _stored(moothall, a_job(datetime.now(UTC) + timedelta(minutes=5), attempts=2))
    [line] = [line for line in moothall("doctor").out.splitlines() if line.startswith("ok\tjobs\t")]
    assert "none waits; 1 failed and are tried again" in line


def test_what_was_set_aside_is_told(moothall: Moothall) -> None:
    assert "outbox" not in _found(moothall)[1]
    _stored(moothall, a_delivery(datetime.now(UTC)), a_delivery(datetime.now(UTC)))
    assert _found(moothall)[1]["outbox"] == "warning"
    [line] = [line for line in moothall("doctor").out.splitlines() if line.startswith("warning\toutbox\t")]
    assert "\t2 set aside\tsee: " in line
    assert "moothall outbox list" in line


def _stored(moothall: Moothall, *jobs: Job) -> None:
    async def work(application: Application) -> None:
        await store(application, *jobs)

    moothall.behind(work)


def test_it_tells_where_files_go_and_whether_they_can_be_written(moothall: Moothall) -> None:
    assert f"uploaded files go to the folder {moothall.home}/moothall-data/blobs" in moothall("doctor").out
    with s3_server() as server:
        moothall.setting(BLOB_URL=server.url("club"))
        said = moothall("doctor").out
        assert f"ok\tfiles\tuploaded files go to the bucket moothall-files at 127.0.0.1:{server.port}" in said
        moothall.setting(BLOB_URL=server.url("club", secret="hush-hush"))
        outcome = moothall("doctor")
        assert outcome.code == 1
        assert "failed\tfiles" in outcome.out
        assert "hush-hush" not in outcome.out + outcome.err
    (moothall.home / "file").write_text("no folder")
    moothall.setting(BLOB_URL=(moothall.home / "file").as_uri())
    code, found = _found(moothall)
    assert (code, found["files"]) == (1, "failed")


def test_a_wrong_place_for_files_is_named_without_its_secrets(moothall: Moothall) -> None:
    moothall.setting(BLOB_URL="s3://bucket?secret_access_key=hush-hush&nope=1")
    for command in (("doctor",), ("config", "check"), ("config", "show"), ("users", "list")):
        outcome = moothall(*command)
        assert "hush-hush" not in outcome.out + outcome.err
        assert (command == ("config", "show")) != (
            "MOOTHALL_BLOB_URL" in (outcome.out + outcome.err) and outcome.code > 0
        )
