"""Pictures: what is taken, what becomes of it, and what is refused before it does harm."""

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from adapters import images as adapter
from adapters.images import MOST_PIXELS, MOST_WAITING, PillowImages
from application.profiles.ports import LARGEST_IMAGE
from domain.errors import Invalid, Unavailable
from domain.profiles.profile import AvatarSize
from tests.contracts.builders import examples
from tests.pictures import CORNERS, a_picture, corners_of, decoded, encoded, quarters

UPRIGHT = ["red", "green", "blue", "yellow"]
GPS = b"52.5200N"
END_OF_JPEG = b"\xff\xd9"


@pytest.fixture
async def images() -> AsyncIterator[PillowImages]:
    made = PillowImages()
    yield made
    made.close()


async def made(images: PillowImages, content: bytes) -> Mapping[AvatarSize, bytes]:
    return await images.make(io.BytesIO(content))


async def refused(images: PillowImages, content: bytes) -> str:
    with pytest.raises(Invalid) as error:
        await made(images, content)
    assert [problem.pointer for problem in error.value.problems] == ["/file"]
    return error.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_every_kind_becomes_two_squares_of_webp(images: PillowImages, kind: str) -> None:
    found = await made(images, encoded(quarters(1600, 900), kind))
    assert found.keys() == set(AvatarSize)
    for size, content in found.items():
        picture = decoded(content)
        assert (picture.format, picture.size) == ("WEBP", (size.pixels, size.pixels))
        assert corners_of(picture) == UPRIGHT


async def test_a_small_picture_is_not_blown_up(images: PillowImages) -> None:
    found = await made(images, encoded(quarters(200, 300)))
    assert {size: decoded(content).size for size, content in found.items()} == {
        AvatarSize.LARGE: (200, 200),
        AvatarSize.SMALL: (128, 128),
    }
    tiny = await made(images, encoded(Image.new("RGB", (1, 1))))
    assert {decoded(content).size for content in tiny.values()} == {(1, 1)}


async def test_it_is_cut_in_the_middle(images: PillowImages) -> None:
    wide = Image.new("RGB", (900, 300), CORNERS[0])
    wide.paste(quarters(300, 300), (300, 0))
    found = await made(images, encoded(wide))
    assert corners_of(decoded(found[AvatarSize.LARGE])) == UPRIGHT


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "size"), [("JPEG", (80, 64)), ("JPEG", (3000, 2000)), ("PNG", (64, 80)), ("WEBP", (80, 64))]
)
async def test_it_is_turned_upright(images: PillowImages, kind: str, size: tuple[int, int], orientation: int) -> None:
    """The tag says where the first row and the first column of the stored picture belong (CIPA DC-008, 4.6.4)."""
    turned_away = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    picture = quarters(*size)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = picture if turned_away is None else picture.transpose(turned_away)
    found = await made(images, encoded(stored, kind, exif=exif))
    assert corners_of(decoded(found[AvatarSize.LARGE])) == UPRIGHT
    assert corners_of(decoded(found[AvatarSize.SMALL])) == UPRIGHT


async def test_nothing_but_pixels_is_kept(images: PillowImages) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada's telephone"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = GPS
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "Ada's telephone")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sent = [
        a_picture("JPEG", exif=exif, icc_profile=profile, comment=b"Ada's telephone", xmp=b"<x>Ada's telephone</x>"),
        a_picture("PNG", exif=exif, icc_profile=profile, pnginfo=text),
        a_picture("WEBP", exif=exif, icc_profile=profile, xmp=b"<x>Ada's telephone</x>"),
    ]
    for content in sent:
        assert b"telephone" in content
        for picture in (await made(images, content + b"PK\x03\x04 trailing <script>telephone</script>")).values():
            assert b"telephone" not in picture
            assert GPS not in picture
            assert picture[8:12] == b"WEBP"
            assert not {b"EXIF", b"ICCP", b"XMP "} & {picture[at : at + 4] for at in range(12, len(picture))}
            assert len(picture) == struct.unpack_from("<I", picture, 4)[0] + 8


async def test_transparency_is_kept(images: PillowImages) -> None:
    half = quarters().convert("RGBA")
    half.paste((0, 0, 0, 0), (0, 0, 32, 64))
    grey = Image.merge("LA", (Image.new("L", (64, 64), 100), half.getchannel("A")))
    palette = half.convert("RGB").quantize(8)
    palette_content = encoded(palette, transparency=palette.getpixel((0, 0)))
    for content in (encoded(half), encoded(half, "WEBP"), encoded(grey), palette_content):
        picture = decoded((await made(images, content))[AvatarSize.LARGE]).convert("RGBA")
        left, right = picture.getpixel((8, 32)), picture.getpixel((56, 32))
        assert isinstance(left, tuple)
        assert isinstance(right, tuple)
        assert (left[3], right[3]) == (0, 255)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16"])
async def test_every_way_to_store_colours_in_png_is_understood(images: PillowImages, mode: str) -> None:
    if mode == "I;16":
        picture = Image.new("I;16", (64, 64), 40_000)
    else:
        picture = Image.new("RGB", (64, 64), (156, 156, 156)).convert(mode, dither=Image.Dither.NONE)
    pixel = decoded((await made(images, encoded(picture)))[AvatarSize.LARGE]).convert("L").getpixel((32, 32))
    assert isinstance(pixel, int)
    assert abs(pixel - (255 if mode == "1" else 156)) <= 3


@pytest.mark.parametrize("mode", ["L", "CMYK"])
async def test_every_way_to_store_colours_in_jpeg_is_understood(images: PillowImages, mode: str) -> None:
    picture = decoded((await made(images, encoded(quarters(mode=mode), "JPEG")))[AvatarSize.LARGE])
    if mode == "CMYK":
        assert corners_of(picture) == UPRIGHT
    else:
        assert picture.convert("RGB").getpixel((5, 5)) == pytest.approx((85,) * 3, abs=12)


async def test_colours_are_those_that_the_profile_means(images: PillowImages) -> None:
    """Of a profile that swaps red and blue; one that is no profile is left aside."""
    content = encoded(Image.new("RGB", (32, 32), (200, 100, 50)), icc_profile=_swapping())
    pixel = decoded((await made(images, content))[AvatarSize.LARGE]).convert("RGB").getpixel((16, 16))
    assert isinstance(pixel, tuple)
    assert pixel[2] > pixel[0] + 80
    broken = encoded(quarters(), icc_profile=b"no profile at all")
    assert corners_of(decoded((await made(images, broken))[AvatarSize.LARGE])) == UPRIGHT


def _swapping() -> bytes:
    """sRGB, with the tags of its red and its blue called by each other's name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_of_what_moves_the_first_picture_counts(images: PillowImages, kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in CORNERS[1:]]
    content = encoded(quarters(), kind, save_all=True, append_images=frames, lossless=True)
    assert getattr(Image.open(io.BytesIO(content)), "n_frames", 1) == 4
    picture = decoded((await made(images, content))[AvatarSize.LARGE])
    assert corners_of(picture) == UPRIGHT
    assert getattr(picture, "n_frames", 1) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"GIF89a\x01\x00\x01\x00",
        a_picture("GIF"),
        a_picture("BMP"),
        a_picture("TIFF"),
        a_picture("ICO"),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"PK\x03\x04" + bytes(100),
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\x00\x00\x00\x1cftypavif",
        b"RIFF\x00\x00\x00\x00WAVE",
    ],
)
async def test_other_kinds_are_refused_by_their_content(images: PillowImages, content: bytes) -> None:
    assert await refused(images, content) == "unsupported-image"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
async def test_what_breaks_off_is_refused(images: PillowImages, kind: str, part: float) -> None:
    content = encoded(Image.effect_noise((200, 200), 90).convert("RGB"), kind)
    assert await refused(images, content[: int(len(content) * part)]) == "not-an-image"


async def test_a_page_behind_the_beginning_of_a_picture_is_refused(images: PillowImages) -> None:
    for beginning in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x20\x00\x00\x00WEBPVP8 "):
        code = await refused(images, beginning + b"<html><script>alert(1)</script></html>" * 3)
        assert code in ("not-an-image", "image-too-large")  # by what stands where the size should


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def webp_of(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + b"VP8L" + struct.pack("<I", 6) + b"\x2f" + bytes(5)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def lossless_webp_of(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<I", 6) + b"\x2f" + struct.pack("<I", bits) + b"\x00"
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def lossy_webp_of(width: int, height: int) -> bytes:
    body = b"VP8 " + struct.pack("<I", 10) + b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_of(width: int, height: int) -> bytes:
    content = a_picture("JPEG")
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


@pytest.mark.parametrize(
    "content",
    [
        png_of(60_000, 60_000),
        png_of(10_000, 10_000),
        png_of(MOST_PIXELS["PNG"] + 1, 1),
        jpeg_of(60_000, 60_000),
        jpeg_of(8_000, 5_001),
        webp_of(16_383, 16_383),
        webp_of(1 << 24, 1 << 24),
        lossless_webp_of(16_384, 16_384),
        lossy_webp_of(16_383, 16_383),
    ],
)
async def test_a_bomb_is_refused_before_anybody_makes_room_for_it(
    images: PillowImages, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its header is enough: no decoder is started."""
    started: list[str] = []
    monkeypatch.setattr(Image.Image, "load", lambda self: started.append("load"))
    assert await refused(images, content) == "image-too-large"
    assert started == []


async def test_the_size_that_a_header_claims_is_not_believed(images: PillowImages) -> None:
    """Small by its header, and more than that behind it: only what was claimed is read."""
    assert decoded((await made(images, png_of(2, 2, bytes(7) * 2 + bytes(5_000_000))))[AvatarSize.LARGE]).size == (2, 2)
    assert await refused(images, png_of(4_000, 4_000, bytes(100))) == "not-an-image"


async def test_a_file_that_is_too_large_is_not_read(images: PillowImages) -> None:
    assert await refused(images, a_picture() + bytes(LARGEST_IMAGE)) == "image-too-large"


async def test_one_picture_at_a_time_and_not_too_many_that_wait(
    images: PillowImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[int] = []
    under_way = 0
    make = adapter._made

    def counted(image: io.BytesIO) -> dict[AvatarSize, bytes]:
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        try:
            return make(image)
        finally:
            under_way -= 1

    monkeypatch.setattr(adapter, "_made", counted)
    asked = [made(images, a_picture()) for _ in range(MOST_WAITING + 5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    turned_away = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert [error.code for error in turned_away] == ["busy"] * 5
    assert at_once == [1] * MOST_WAITING
    assert await made(images, a_picture())


@examples
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
    damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20),
)
async def test_whatever_is_damaged_it_is_a_picture_or_refused(
    images: PillowImages, kind: str, damage: list[tuple[int, int]]
) -> None:
    content = bytearray(a_picture(kind))
    for at, value in damage:
        content[at % len(content)] = value
    try:
        found = await made(images, bytes(content))
    except Invalid as error:
        code = error.code
    else:
        code = ",".join({str(decoded(picture).format) for picture in found.values()})
    assert code in ("WEBP", "unsupported-image", "not-an-image", "image-too-large")


@examples
@given(
    content=st.binary(max_size=300),
    beginning=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF0000WEBP"]),
)
async def test_noise_is_refused(images: PillowImages, beginning: bytes, content: bytes) -> None:
    with pytest.raises(Invalid):
        await made(images, beginning + content)


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    content = encoded(quarters(64, 64, "L"), "JPEG", progressive=True)
    before, marker, last = content.removesuffix(END_OF_JPEG).rpartition(adapter.START_OF_SCAN)
    more = count - before.count(adapter.START_OF_SCAN)
    return before + (marker + last) * more + END_OF_JPEG


async def test_a_jpeg_that_keeps_its_decoder_busy_is_refused_before_it_is_decoded(images: PillowImages) -> None:
    assert await refused(images, with_scans(adapter.MOST_SCANS + 1)) == "too-many-scans"
    assert corners_of(decoded((await made(images, with_scans(adapter.MOST_SCANS)))[AvatarSize.LARGE]))
