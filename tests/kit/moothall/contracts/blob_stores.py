"""The contract of files beside the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.blobs import BlobStore, whole
from domain.errors import Unavailable

DAY = timedelta(days=1)
CLOCKS_DIFFER_BY = timedelta(seconds=2)
"""At most, between the store's and this machine's."""

CONTENTS = (
    b"",
    b"\x00",
    b"one\x00two",
    b"\r\n\n\r",
    bytes(range(256)) * 8,
    b"\xff\xfe\xef\xbb\xbf",
    b"'; DROP TABLE --",
)


async def content(blobs: BlobStore, key: str) -> bytes | None:
    """All of a file; None where there is none."""
    found = await blobs.open(key)
    return None if found is None else await whole(found)


async def keys_below(blobs: BlobStore, prefix: str) -> list[str]:
    """In order, and twice what is listed twice."""
    return sorted([blob.key async for blob in blobs.all(prefix)])


async def nothing_is_answered(blobs: BlobStore) -> None:
    """Whatever is wanted of it, the store is unavailable."""

    async def stream() -> AsyncIterator[bytes]:
        yield b"two"

    async def listed() -> None:
        async for _ in blobs.all("a"):
            pass

    uses: list[Callable[[], Awaitable[object]]] = [
        lambda: blobs.put("b.webp", b"two"),
        lambda: blobs.put("b.webp", stream()),
        lambda: blobs.open("a.webp"),
        lambda: blobs.remove("c.webp"),
        listed,
    ]
    for use in uses:
        with pytest.raises(Unavailable) as failed:
            await use()
        assert failed.value.code == "blobs-unavailable"


@pytest.mark.asyncio
class BlobStoreContract:
    """Override `blobs`."""

    @pytest.fixture
    def blobs(self) -> BlobStore:
        """An empty store of your own."""
        pytest.fail("Override the fixture `blobs`: it hands over the store under test, empty.", pytrace=False)

    async def test_what_was_put_is_read_as_it_was(self, blobs: BlobStore) -> None:
        assert await content(blobs, "a/b/c.webp") is None
        await blobs.put("a/b/c.webp", b"one\x00two")
        await blobs.put("a/b/d.webp", b"")
        assert await content(blobs, "a/b/c.webp") == b"one\x00two"
        assert await content(blobs, "a/b/d.webp") == b""
        assert await content(blobs, "a/b") is None

    @pytest.mark.parametrize("data", CONTENTS, ids=range(len(CONTENTS)))
    async def test_any_content_comes_back(self, blobs: BlobStore, data: bytes) -> None:
        key = f"any/{uuid4()}"
        await blobs.put(key, data)
        assert await content(blobs, key) == data

    async def test_what_is_put_again_is_there_once(self, blobs: BlobStore) -> None:
        """As it is where the first answer was lost."""
        for _ in range(2):
            await blobs.put("a/b.webp", b"one")
        assert await content(blobs, "a/b.webp") == b"one"
        assert await keys_below(blobs, "a") == ["a/b.webp"]

    async def test_keys_are_compared_exactly(self, blobs: BlobStore) -> None:
        await blobs.put("a/b.webp", b"one")
        for key in ("A/b.webp", "a/b.web", "a/b.webpx", "a/bxwebp", "b.webp", "a/b"):
            assert await content(blobs, key) is None

    async def test_what_was_removed_is_gone_and_may_be_removed_again(self, blobs: BlobStore) -> None:
        await blobs.put("a/b.webp", b"one")
        await blobs.put("a/c.webp", b"two")
        for _ in range(2):
            await blobs.remove("a/b.webp")
            assert await content(blobs, "a/b.webp") is None
        assert await content(blobs, "a/c.webp") == b"two"
        assert await keys_below(blobs, "a") == ["a/c.webp"]
        await blobs.remove("never/there.webp")

    async def test_a_stream_is_stored_as_a_whole(self, blobs: BlobStore) -> None:
        """Of more than one part, where a store takes large files in parts."""
        pieces = [bytes([number]) * 700_000 for number in range(20)]

        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        await blobs.put("imports/large.csv", stream())
        assert await content(blobs, "imports/large.csv") == b"".join(pieces)

    @pytest.mark.parametrize("pieces", [[], [b""], [b"", b"one", b"", b"two", b""]], ids=["none", "empty", "some"])
    async def test_a_stream_may_have_no_pieces_and_empty_ones(self, blobs: BlobStore, pieces: list[bytes]) -> None:
        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        await blobs.put("imports/odd.csv", stream())
        assert await content(blobs, "imports/odd.csv") == b"".join(pieces)
        assert await keys_below(blobs, "imports") == ["imports/odd.csv"]

    async def test_a_stream_that_breaks_off_leaves_nothing(self, blobs: BlobStore) -> None:
        async def stream() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise RuntimeError("the client went away")

        with pytest.raises((RuntimeError, Unavailable)):
            await blobs.put("imports/half.csv", stream())
        assert await content(blobs, "imports/half.csv") is None
        assert await keys_below(blobs, "") == []

    async def test_what_is_being_stored_is_not_there_yet_and_keeps_nobody_waiting(self, blobs: BlobStore) -> None:
        await blobs.put("imports/earlier.csv", b"earlier")
        seen: list[object] = []

        async def stream() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(700_000)
            seen.append(await content(blobs, "imports/slow.csv"))
            seen.append(await content(blobs, "imports/earlier.csv"))
            seen.append(await keys_below(blobs, "imports"))
            await blobs.put("imports/later.csv", b"later")

        async with asyncio.timeout(60):
            await blobs.put("imports/slow.csv", stream())
        assert seen == [None, b"earlier", ["imports/earlier.csv"]]
        assert await keys_below(blobs, "imports") == [f"imports/{name}.csv" for name in ("earlier", "later", "slow")]

    async def test_many_are_stored_at_once(self, blobs: BlobStore) -> None:
        contents = {f"many/{number}": bytes([number]) * 10_000 for number in range(20)}
        await asyncio.gather(*(blobs.put(key, data) for key, data in contents.items()))
        found = await asyncio.gather(*(content(blobs, key) for key in contents))
        assert dict(zip(contents, found, strict=True)) == contents

    async def test_whatever_lies_below_a_prefix_is_listed_with_its_time(self, blobs: BlobStore) -> None:
        keys = {f"avatars/{number}/x.webp" for number in range(7)}
        before = datetime.now(UTC) - CLOCKS_DIFFER_BY
        for key in (*keys, "avatars.txt", "avatarsx/y.webp", "imports/z.csv"):
            await blobs.put(key, b"x")
        found = [blob async for blob in blobs.all("avatars")]
        assert {blob.key for blob in found} == keys
        assert len(found) == len(keys)
        assert all(before <= blob.stored_at <= datetime.now(UTC) + CLOCKS_DIFFER_BY for blob in found)
        assert [blob async for blob in blobs.all("nothing")] == []
        everything = {blob.key async for blob in blobs.all("")}
        assert everything == {*keys, "avatars.txt", "avatarsx/y.webp", "imports/z.csv"}

    async def test_what_is_listed_may_be_removed_on_the_way(self, blobs: BlobStore) -> None:
        for number in range(7):
            await blobs.put(f"avatars/{number}.webp", b"x")
        seen = []
        async for blob in blobs.all("avatars"):
            seen.append(blob.key)
            await blobs.remove(blob.key)
        assert sorted(seen) == [f"avatars/{number}.webp" for number in range(7)]
        assert await keys_below(blobs, "") == []

    async def test_what_is_whole_or_was_begun_just_now_is_never_taken_for_unfinished(self, blobs: BlobStore) -> None:
        removed: list[int] = []

        async def stream() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield bytes(700_000)
            removed.append(await blobs.remove_unfinished(datetime.now(UTC) - DAY))

        await blobs.put("imports/whole.csv", b"whole")
        await blobs.put("imports/begun.csv", stream())
        removed.append(await blobs.remove_unfinished(datetime.now(UTC) + DAY))
        assert removed == [0, 0]
        assert await content(blobs, "imports/whole.csv") == b"whole"
        assert await content(blobs, "imports/begun.csv") == bytes(14_000_000)


@pytest.mark.asyncio
class BlobStoreOutageContract:
    """Override `unreachable`."""

    @pytest.fixture
    def unreachable(self) -> BlobStore:
        """A store of your own that does not answer: its place is away, or is no such place."""
        pytest.fail("Override the fixture `unreachable`: it hands over a store that does not answer.", pytrace=False)

    async def test_whatever_is_wanted_of_it_is_unavailable(self, unreachable: BlobStore) -> None:
        await nothing_is_answered(unreachable)
