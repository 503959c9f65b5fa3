"""What is read and how: one moment of the database, in memory that does not grow, on both engines alike."""

import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Text, Uuid

from adapters.sql import Database, create_engine
from adapters.sql.database_snapshots import snapshot_of
from adapters.sql.loaders import PostgresLoader, SqliteLoader
from adapters.sql.tables import metadata
from adapters.sql.types import Time
from entrypoints.settings import Settings
from tests.backups.club import settings_at
from tests.backups.conftest import Journey
from tests.backups.moves import restored, rows_of, saved
from tests.services import execute, wait_for
from tests.stores import POSTGRESQL, SQLITE, database_url

TAGS = {
    Uuid: "uuid",
    Time: "time",
    LargeBinary: "bytes",
    Boolean: "bool",
    BigInteger: "int",
    Integer: "int",
    Text: "text",
}
A_ROOM = "INSERT INTO rooms VALUES ('{id}', '{name}', 'Title', null, '2026-01-01 00:00:00.000000', 0)"


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A migrated database, and empty."""
    folder = tmp_path / request.param
    folder.mkdir()
    return settings_at(folder, database_url(request.param, folder))


def written(settings: Settings, *statements: str) -> None:
    """By somebody else, on a connection of their own."""
    if settings.is_embedded:
        with closing(sqlite3.connect(settings.database.removeprefix("sqlite:///"), timeout=10)) as database, database:
            for statement in statements:
                database.execute(statement)
    else:
        wait_for(execute(settings.database, *statements))


def tag_of(column: Column[object]) -> str:
    return next(tag for kind, tag in TAGS.items() if isinstance(column.type, kind))


async def test_the_shapes_that_are_read_are_those_of_the_tables(settings: Settings) -> None:
    """Whoever adds a type of column adds its tag, and how its values are written down."""
    engine = create_engine(Database(settings.database))
    async with snapshot_of(engine) as snapshot:
        found = {shape.table: dict(shape.columns) for shape in snapshot.shapes}
    await engine.dispose()
    assert found == {
        table.name: {column.name: tag_of(column) for column in table.columns} for table in metadata.sorted_tables
    }


async def test_what_is_written_meanwhile_is_not_in_it(settings: Settings, tmp_path: Path) -> None:
    """Neither waits for the other."""
    rooms = [A_ROOM.format(id=uuid4().hex, name=f"room{n}") for n in range(3)]
    written(settings, rooms[0])
    told: list[str] = []

    def write_once(what: str, count: int) -> None:
        if not told:
            written(settings, rooms[1], "DELETE FROM roles WHERE name = 'member'")
        told.append(what)

    view = await saved(settings, tmp_path / "backup", tell=write_once)
    assert told[0] < "rooms", "what was written, was written before this table was read"
    assert (view.rows["rooms"], view.rows["roles"]) == (1, 2)
    assert len((await rows_of(settings))["rooms"]) == 2


async def test_every_index_is_there_again(journey: Journey, settings: Settings) -> None:
    stop = journey.back_on_sqlite if settings.is_embedded else journey.on_postgresql
    assert await indexes_of(stop.settings) == await indexes_of(settings)


async def indexes_of(settings: Settings) -> list[tuple[object, ...]]:
    engine = create_engine(Database(settings.database))
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        loader = SqliteLoader(driver) if settings.is_embedded else PostgresLoader(driver)
        found = [tuple(row) for row in await loader.indexes()]
    await engine.dispose()
    assert len(found) > len(metadata.tables)
    return found


async def test_ten_times_the_rows_need_no_more_memory(tmp_path: Path) -> None:
    """Counted in bytes that Python holds; the rows alone would be 20 MB."""
    peaks: dict[str, list[int]] = {"save": [], "restore": []}
    for n in (500, 5_000):
        folder = tmp_path / str(n)
        folder.mkdir()
        settings = settings_at(folder, database_url(SQLITE, folder))
        target = settings_at(folder / "target", None)
        text = "x" * 4_000
        written(
            settings,
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})"  # noqa: S608
            f" INSERT INTO broadcasts SELECT lower(hex(randomblob(16))), i, '{text}', '2026-01-01 00:00:00.000000',"
            " null, 0, 0 FROM n",
        )
        await saved(settings, folder / "once")  # what is imported at the first time, stays
        tracemalloc.start()
        await saved(settings, folder / "backup")
        peaks["save"].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        await restored(target, folder / "backup")
        peaks["restore"].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    for few, many in peaks.values():
        assert many < few * 1.5
