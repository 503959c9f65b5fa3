"""What goes wrong leaves the database as it was, and is told in a sentence."""

import asyncio
import io
import os
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyrage import decrypt_io, x25519
from pyrage import passphrase as age

from adapters.backups.encryption import decrypted, decrypted_with, encrypted_to
from adapters.backups.envelope import END, sealed
from adapters.backups.files import compressed, decompressed
from adapters.backups.format import Header, Item, Piece, Writer, read
from adapters.sql import Database, Schema, create_engine
from adapters.sql.shapes import Shape
from domain.errors import Conflict, Invalid, MoothallError
from entrypoints.settings import Settings
from tests.backups.club import PLAIN, served, settings_at
from tests.backups.conftest import Journey
from tests.backups.moves import restored, rows_of, saved
from tests.drills.processes import KILLED, ended, started
from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, PASSWORD
from tests.services import empty_postgres_url
from tests.stores import POSTGRESQL, SQLITE

PASSPHRASE = "a heron 🪶 in the reeds"
HEADER_OF_GZIP = range(3, 10)
"""Flags, a time and the machine's kind, none of which says what the content is."""
SOME_PLACES = 40


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An empty database, down to the tables."""
    return settings_at(tmp_path / "target", None if request.param == SQLITE else empty_postgres_url())


@pytest.fixture(scope="module")
def encrypted(journey: Journey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("encrypted") / "club.backup"
    asyncio.run(saved(journey.origin.settings, file, passphrase=PASSPHRASE))
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    return file


async def refused(settings: Settings, file: Path, kind: type[MoothallError], code: str, **how: Any) -> str:
    with pytest.raises(kind) as error:
        await restored(settings, file, **how)
    assert error.value.code == code
    return error.value.detail


async def revision_of(settings: Settings) -> str | None:
    engine = create_engine(Database(settings.database))
    try:
        return await Schema(engine).current()
    finally:
        await engine.dispose()


def items_in(data: bytes) -> list[Item]:
    return list(read(decompressed(io.BytesIO(data))))


def damaged_ones(data: bytes) -> Iterator[tuple[str, bytes]]:
    """It was cut off at many places, or a bit of it flipped."""
    for place in [0, 1, 12, *range(0, len(data), len(data) // SOME_PLACES), len(data) - 8, len(data) - 1]:
        yield f"cut off at {place}", data[:place]
        if place < len(data) and place not in HEADER_OF_GZIP:
            yield f"flipped at {place}", data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    yield "something behind it", data + b"x"
    yield "twice", data + data


def file_of(path: Path, items: Sequence[Item]) -> Path:
    writer = Writer()
    with path.open("wb") as file, compressed(file) as plain:
        for item in items:
            plain.write(writer.lines(item))
    return path


def test_whatever_part_is_damaged_is_noticed(journey: Journey) -> None:
    data = journey.origin.backup.read_bytes()
    assert len(items_in(data)) > 30
    for what, broken in damaged_ones(data):
        with pytest.raises(Invalid) as error:
            items_in(broken)
        assert error.value.code == "backup-damaged", what


async def test_a_file_that_was_cut_off_leaves_the_database_as_it_was(
    journey: Journey, target: Settings, tmp_path: Path
) -> None:
    data = journey.origin.backup.read_bytes()
    broken = tmp_path / "broken"
    for part in (data[:-20], data[: len(data) // 2], b"", b"PK\3\4"):
        broken.write_bytes(part)
        await refused(target, broken, Invalid, "backup-damaged")
        assert await revision_of(target) is None
    await restored(target, journey.origin.backup)


async def test_what_is_in_the_database_already_is_not_touched(journey: Journey, target: Settings) -> None:
    await restored(target, journey.origin.backup)
    before = await rows_of(target)
    told = await refused(target, journey.origin.backup, Conflict, "database-not-empty")
    assert "users" in told
    assert await rows_of(target) == before


async def test_a_database_that_was_only_migrated_is_empty(journey: Journey, target: Settings) -> None:
    engine = create_engine(Database(target.database))
    target.data_dir.mkdir()
    await Schema(engine).upgrade()
    await engine.dispose()
    await restored(target, journey.origin.backup)


async def test_of_a_newer_version_nothing_is_taken(journey: Journey, target: Settings, tmp_path: Path) -> None:
    header, *rest = items_in(journey.origin.backup.read_bytes())
    assert isinstance(header, Header)
    newer = file_of(tmp_path / "newer", [replace(header, revision="9999", moothall="77.0"), *rest])
    assert "77.0" in await refused(target, newer, Invalid, "backup-too-new")
    assert await revision_of(target) is None


@pytest.mark.parametrize("origin", [SQLITE, POSTGRESQL])
async def test_of_an_older_version_everything_is_brought_up_to_date(origin: str, tmp_path: Path) -> None:
    old = settings_at(tmp_path / "old", None if origin == SQLITE else empty_postgres_url())
    old.data_dir.mkdir()
    engine = create_engine(Database(old.database))
    await Schema(engine).upgrade("0009")
    async with engine.connect() as connection:
        for statement in OF_0009:
            await connection.exec_driver_sql(statement)
    await engine.dispose()
    view = await saved(old, tmp_path / "old.backup")
    assert (view.revision, view.rows["notifications"]) == ("0009", 2)

    new = settings_at(tmp_path / "new", None if origin == POSTGRESQL else empty_postgres_url())
    await restored(new, tmp_path / "old.backup")
    rows = await rows_of(new)
    assert [len(rows[table]) for table in ("users", "roles", "inboxes", "webhooks")] == [1, 2, 1, 0]
    assert {2} == {row[1] if isinstance(row[1], int) else row[0] for row in rows["inboxes"]}


A_NOTIFICATION = (
    "INSERT INTO notifications VALUES ('{id}', '0190f000000070008000000000000001', 'message', null, 'Hello', 'World',"
    " '2026-01-01 00:00:01.000000', null)"
)
OF_0009 = (  # rows as the version of then wrote them
    "INSERT INTO users VALUES ('0190f000000070008000000000000001', 'a@b.example', 'a@b.example', null, null, '', null,"
    " null, '', null, true, true, '2026-01-01 00:00:00.000001', '2026-01-01 00:00:00.000001', null, 1)",
    A_NOTIFICATION.format(id="0190f000000070008000000000000011"),
    A_NOTIFICATION.format(id="0190f000000070008000000000000012"),
)


async def test_without_its_secret_nothing_is_restored_unless_it_is_lost(
    journey: Journey, target: Settings, tmp_path: Path
) -> None:
    other = target.model_copy(update={"secret_key": None})
    told = await refused(other, journey.origin.backup, Conflict, "another-secret")
    assert "secret.key" in told
    assert "users" in told
    assert await revision_of(other) is None
    assert not (other.data_dir / "secret.key").exists()
    await restored(other, journey.origin.backup, with_another_secret=True)
    assert (other.data_dir / "secret.key").exists()


async def test_under_another_secret_what_needs_none_goes_on(journey: Journey, tmp_path: Path) -> None:
    """Whose hash came from elsewhere signs in as before, all others ask for a new password; API keys stay good."""
    other = settings_at(tmp_path / "other", None, secret_key=None)
    await restored(other, journey.origin.backup, with_another_secret=True)
    async with served(other) as api:
        await api.log_in("imported@example.com", PLAIN)
        answer = await api.call("POST", "/auth/login", data={"username": "grace", "password": PASSWORD})
        assert answer.json()["code"] == "bad-credentials"
        assert (await api.refresh(journey.club.grace.refresh_token)).status_code == 401
        by_key = await api.call("GET", "/users", headers={"X-API-Key": journey.club.key})
        assert by_key.status_code == 200
        trail = await api.application.audit.verify(OPERATOR)
        assert (trail.broken, trail.unproven > 0, trail.is_sound) == ([], True, False)
        await api.application.audit.seal(OPERATOR)
        await api.mails()  # what waited is done; webhooks, which have no secret to sign with, do not stop it
        await api.call("POST", "/auth/forgot-password", json={"email": "grace@example.com"})
        token = await api.token_mailed()
        reset = await api.call("POST", "/auth/reset-password", json={"token": token, "password": ANOTHER_PASSWORD})
        assert reset.status_code == 204, reset.text
        await api.log_in("grace", ANOTHER_PASSWORD)


async def test_rows_that_refer_to_nothing_are_refused(journey: Journey, target: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    with closing(sqlite3.connect(journey.origin.settings.database)) as origin, closing(sqlite3.connect(broken)) as copy:
        origin.backup(copy)
        copy.execute("DELETE FROM users WHERE username = 'grace'")
        copy.commit()
    told = await refused(target, broken, Conflict, "another-secret")
    assert "k1" in told  # of sessions in the club; a backup tells that it was lost before, a file of SQLite cannot
    told = await refused(target, broken, Invalid, "backup-contradictory", with_another_secret=True)
    assert "grace" not in told
    assert await revision_of(target) is None


async def test_tables_and_files_that_are_not_ours_are_refused(
    journey: Journey, target: Settings, tmp_path: Path
) -> None:
    header, *rest = items_in(journey.origin.backup.read_bytes())
    assert isinstance(header, Header)
    odd = Shape('users"; DROP TABLE users; --', {"id": "uuid"})
    more = file_of(tmp_path / "more", [replace(header, tables=[*header.tables, odd]), *rest])
    await refused(target, more, Invalid, "backup-damaged")
    fewer = file_of(tmp_path / "fewer", [replace(header, tables=header.tables[1:]), *rest])
    await refused(target, fewer, Invalid, "backup-damaged")
    outside = [Piece("../outside", b"", is_first=True), Piece("../outside", b"x"), *rest]
    await refused(target, file_of(tmp_path / "outside", [header, *outside]), Invalid, "backup-damaged")
    within_a_file = file_of(tmp_path / "within a file", [header, *rest[:-2]])
    await refused(target, within_a_file, Invalid, "backup-damaged")
    assert not (target.data_dir / "outside").exists()
    assert await revision_of(target) is None


async def test_killed_while_it_loads_it_begins_anew(journey: Journey, target: Settings) -> None:
    process = started(_die_while_restoring, target, journey.origin.backup)
    assert await asyncio.to_thread(ended, process, 60) == KILLED
    assert await revision_of(target) is None
    await restored(target, journey.origin.backup)
    assert len((await rows_of(target))["users"]) == len(journey.origin.rows["users"])


def _die_while_restoring(settings: Settings, backup: Path) -> None:
    def die(what: str, count: int) -> None:
        if what == "posts":
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(restored(settings, backup, tell=die))


async def test_encrypted_it_opens_with_its_passphrase(journey: Journey, encrypted: Path, tmp_path: Path) -> None:
    target = settings_at(tmp_path / "target", None)
    await restored(target, encrypted, ask_passphrase=lambda: PASSPHRASE)
    assert (await rows_of(target))["posts"] == journey.origin.rows["posts"]


def test_encrypted_it_is_what_the_standard_tool_opens_in_two_steps(journey: Journey, encrypted: Path) -> None:
    assert b"grace" not in encrypted.read_bytes()
    envelope, end, rest = encrypted.read_bytes().partition(END)
    identity = x25519.Identity.from_str(age.decrypt(envelope + end, PASSPHRASE).decode().strip())
    plain = io.BytesIO()
    decrypt_io(io.BytesIO(rest), plain, [identity])
    assert items_in(plain.getvalue())[1:-1] == items_in(journey.origin.backup.read_bytes())[1:-1]


def test_whatever_part_is_damaged_under_encryption_is_noticed(journey: Journey) -> None:
    identity = x25519.Identity.generate()
    file = io.BytesIO()
    with encrypted_to(file, identity) as plain:
        plain.write(journey.origin.backup.read_bytes())
    for what, broken in damaged_ones(file.getvalue()):
        with pytest.raises(Invalid) as error, decrypted_with(io.BytesIO(broken), identity) as opened:
            list(read(decompressed(opened)))
        assert error.value.code == "backup-damaged", what


@pytest.mark.parametrize("envelope", [b"", b"-----BEGIN", b"-----BEGIN AGE ENCRYPTED FILE-----\n" * 5000])
def test_an_envelope_that_does_not_end_is_refused(envelope: bytes) -> None:
    with pytest.raises(Invalid), decrypted(io.BytesIO(envelope), PASSPHRASE):
        pass


def test_a_disk_that_is_full_is_told() -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"), encrypted_to(Full(), x25519.Identity.generate()) as plain:
        plain.write(os.urandom(10_000_000))


def test_what_is_sealed_is_no_longer_than_the_first_chunk() -> None:
    with pytest.raises(AssertionError):
        sealed(b"x" * 65_537, PASSPHRASE)
