"""The contract of files beside the database: memory, a folder, and a bucket behind a real S3 signature check."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moothall.contracts.blob_stores import BlobStoreContract, BlobStoreOutageContract, content, nothing_is_answered

from adapters.blobs import BlobPlace, MemoryBlobs
from adapters.blobs.obstore import ObstoreBlobs
from application.blobs import BlobStore
from domain.errors import Unavailable
from tests.contracts.builders import examples
from tests.s3_server import S3Server, s3_server

NOWHERE = "s3://bucket?endpoint=http://127.0.0.1:1&region=here&access_key_id=AK&secret_access_key=hush"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


class TestBlobs(BlobStoreContract):
    @pytest.fixture(params=["memory", "folder", "s3"])
    def blobs(self, request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
        match request.param:
            case "memory":
                return MemoryBlobs()
            case "folder":
                return ObstoreBlobs(BlobPlace.of((tmp_path / "blobs").as_uri()))
            case _:
                server: S3Server = request.getfixturevalue("s3")
                return ObstoreBlobs(BlobPlace.of(server.url(f"of/{uuid4()}")))

    @examples
    @given(data=st.binary(max_size=2_000))
    async def test_every_content_comes_back(self, blobs: BlobStore, data: bytes) -> None:
        key = f"any/{uuid4()}"
        await blobs.put(key, data)
        assert await content(blobs, key) == data


class TestBlobsThatAreAway(BlobStoreOutageContract):
    @pytest.fixture(params=["no folder", "no server"])
    def unreachable(self, request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
        if request.param == "no folder":
            (tmp_path / "file").write_bytes(b"no folder")
            return ObstoreBlobs(BlobPlace(folder=tmp_path / "file"))
        return ObstoreBlobs(BlobPlace.of(NOWHERE), patience=0.5)


async def test_what_is_stored_outlives_the_process(tmp_path: Path, s3: S3Server) -> None:
    for url in (tmp_path.as_uri(), s3.url("kept")):
        await ObstoreBlobs(BlobPlace.of(url)).put("a.webp", b"kept")
        assert await content(ObstoreBlobs(BlobPlace.of(url)), "a.webp") == b"kept"


async def test_what_a_killed_process_was_writing_is_removed_from_a_folder(tmp_path: Path) -> None:
    blobs = ObstoreBlobs(BlobPlace.of(tmp_path.as_uri()))
    now = datetime.now(UTC)
    removed: list[int] = []

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(700_000)
        removed.append(await blobs.remove_unfinished(now - timedelta(days=1)))
        removed.append(await blobs.remove_unfinished(now + timedelta(days=1)))

    await blobs.put("imports/whole.csv", b"email")
    with pytest.raises(Unavailable):  # for its file was taken from below it
        await blobs.put("imports/begun.csv", stream())
    assert removed == [0, 1]
    assert [blob.key async for blob in blobs.all("imports")] == ["imports/whole.csv"]


async def test_keys_of_amazon_come_from_the_environment_where_the_url_has_none(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.s3_server import ACCESS_KEY_ID, BUCKET, REGION, SECRET_ACCESS_KEY

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    monkeypatch.setenv("AWS_REGION", REGION)
    blobs = ObstoreBlobs(BlobPlace.of(f"s3://{BUCKET}?endpoint=http://127.0.0.1:{s3.port}"))
    await blobs.put("a.webp", b"one")
    assert await content(blobs, "a.webp") == b"one"
    await blobs.check()


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"bucket": "another-bucket"}])
async def test_a_wrong_secret_and_a_bucket_that_is_not_there_are_told(s3: S3Server, wrong: dict[str, str]) -> None:
    blobs = ObstoreBlobs(BlobPlace.of(s3.url(**wrong)))
    with pytest.raises(Unavailable) as error:
        await blobs.check()
    assert error.value.code == "blobs-unavailable"
    assert "another" not in error.value.detail


async def test_a_store_that_fails_or_is_silent_is_not_waited_for() -> None:
    with s3_server() as server:
        blobs = ObstoreBlobs(BlobPlace.of(server.url()), patience=0.5)
        await blobs.put("a.webp", b"one")
        for behaviour in ({"status": 500}, {"delay": 3.0}):
            server.behave(**behaviour)
            await nothing_is_answered(blobs)
        server.behave()
        assert await content(blobs, "a.webp") == b"one"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://",
        "s3:///a",
        "s3://UPPER",
        "s3://user:pass@bucket",
        "http://127.0.0.1/bucket",
        "gs://bucket",
        "file://host/a",
        "file:a",
        "file:///a?b=c",
        "s3://bucket?nope=1",
        "s3://bucket?endpoint=127.0.0.1:9000",
        "s3://bucket?endpoint=http://u:p@host",
        "s3://bucket?access_key_id=a",
        "s3://bucket?secret_access_key=hush-hush",
        "s3://bucket?region",
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has|does not|bad query)") as error:
        BlobPlace.of(url)
    assert "hush" not in str(error.value)


def test_a_place_is_told_without_its_secrets() -> None:
    place = BlobPlace.of("s3://files/x?endpoint=https://s3.example:9000&access_key_id=AK&secret_access_key=hush")
    assert str(place) == "the bucket files at s3.example:9000"
    assert "hush" not in repr(place)
    assert str(BlobPlace.of("s3://files")) == "the bucket files at AWS"
