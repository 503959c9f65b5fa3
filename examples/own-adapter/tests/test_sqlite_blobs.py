"""The SQLite database keeps the contract of blob stores."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from club_adapters.sqlite_blobs import SqliteBlobs
from moothall.contracts import BlobStoreContract, BlobStoreOutageContract

from application.blobs import BlobStore, whole


class TestSqliteBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        return SqliteBlobs(tmp_path / "files.db")


class TestSqliteBlobsWithoutTheirFolder(BlobStoreOutageContract):
    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> BlobStore:
        return SqliteBlobs(tmp_path / "no such folder" / "files.db")


@pytest.mark.asyncio
async def test_what_is_stored_outlives_the_process(tmp_path: Path) -> None:
    await SqliteBlobs(tmp_path / "files.db").put("a.webp", b"kept")
    found = await SqliteBlobs(tmp_path / "files.db").open("a.webp")
    assert found is not None
    assert await whole(found) == b"kept"


@pytest.mark.asyncio
async def test_what_a_killed_process_was_storing_is_removed(tmp_path: Path) -> None:
    blobs, tomorrow = SqliteBlobs(tmp_path / "files.db"), datetime.now(UTC) + timedelta(days=1)
    removed: list[int] = []

    async def stream():
        yield bytes(3_000_000)
        removed.append(await blobs.remove_unfinished(tomorrow))

    with pytest.raises(Exception, match="does not answer"):
        await blobs.put("a.csv", stream())
    assert removed == [1]
    assert [blob.key async for blob in blobs.all("")] == []
