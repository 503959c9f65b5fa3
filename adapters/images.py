"""Members' pictures, through Pillow: whatever comes in, what goes out is written by us, from its pixels alone."""

import asyncio
import io
import os
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

from application.profiles.ports import LARGEST_IMAGE, AvatarImages
from domain.errors import Invalid, Unavailable
from domain.profiles.profile import AvatarSize

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose

MOST_PIXELS = {"JPEG": 40_000_000, "PNG": 20_000_000, "WEBP": 20_000_000}
"""Of a picture that somebody sends. The decoders take up to 8, 8 and 16 bytes for each: some 320 MB at most."""

MOST_SCANS = 100
"""Of a progressive JPEG; such as programs write have about ten. The decoder goes through the whole picture for each,
and one that says nothing takes 60 bytes: in 5 MiB there is room for most of an hour."""
START_OF_SCAN = b"\xff\xda"
"""ITU-T T.81, table B.1. Within a scan no 0xff is followed by 0xda; thumbnails and the like count too."""

MOST_WAITING = 32
"""Pictures that are worked on, or wait for it."""

QUALITY = 85
ORIENTATION = 0x0112
"""The tag of EXIF (CIPA DC-008, section 4.6.4) that says how the camera was held."""

HEADER = 30
"""Bytes, within which WebP says how large a picture is."""

MAGIC = {"PNG": (0, b"\x89PNG\r\n\x1a\n"), "JPEG": (0, b"\xff\xd8\xff"), "WEBP": (8, b"WEBP")}


class PillowImages(AvatarImages):
    """One picture at a time, in a thread, so that many take no more memory than one. Close it at the end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="images")
        self._waiting = 0

    async def make(self, image: BinaryIO) -> Mapping[AvatarSize, bytes]:
        if self._waiting >= MOST_WAITING:
            raise Unavailable("busy", "Too many pictures are being worked on at the moment; try again soon.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _made, image)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _made(image: BinaryIO) -> dict[AvatarSize, bytes]:
    kind = _kind(image)
    try:
        large = _square(image, kind)
        small = large.copy()
        small.thumbnail((AvatarSize.SMALL.pixels, AvatarSize.SMALL.pixels))
        return {AvatarSize.LARGE: _written(large), AvatarSize.SMALL: _written(small)}
    except (Invalid, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever occurs to them
        raise Invalid.field("not-an-image", "/file", "This picture is damaged: it cannot be read.") from error


def _kind(image: BinaryIO) -> str:
    """By the first bytes, before anything is given to a decoder. Of WebP the size is read too: Pillow makes room for
    the picture before it can be asked how large it is; and of JPEG how many scans there are.

    Raises:
        Invalid: `unsupported-image`, `image-too-large`, `too-many-scans`.
    """
    if image.seek(0, os.SEEK_END) > LARGEST_IMAGE:
        raise Invalid.field("image-too-large", "/file", f"A picture has {LARGEST_IMAGE} bytes at most.")
    image.seek(0)
    head = image.read(HEADER)
    image.seek(0)
    kind = next((kind for kind, (at, magic) in MAGIC.items() if head[at : at + len(magic)] == magic), None)
    if kind is None:
        raise Invalid.field("unsupported-image", "/file", "This is no PNG, JPEG or WebP picture.")
    if kind == "WEBP":
        _require_few_pixels(kind, _size_of_webp(head))
    if kind == "JPEG":
        scans = image.read().count(START_OF_SCAN)
        image.seek(0)
        if scans > MOST_SCANS:
            raise Invalid.field("too-many-scans", "/file", f"A JPEG has {MOST_SCANS} scans at most; save it anew.")
    return kind


def _size_of_webp(head: bytes) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7. Of what is no such header it says nothing: the decoder refuses that."""
    kind = head[12:16]
    if kind == b"VP8X" and len(head) == HEADER:
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8 " and len(head) == HEADER:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(head) >= 25:
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _require_few_pixels(kind: str, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS[kind]:
        raise _too_many_pixels(kind)


def _too_many_pixels(kind: str) -> Invalid:
    millions = MOST_PIXELS[kind] // 1_000_000
    return Invalid.field("image-too-large", "/file", f"A picture of this kind has {millions} million pixels at most.")


def _square(image: BinaryIO, kind: str) -> "Image":
    """The large size. It is made small first, and then turned: the middle stays the middle."""
    from PIL import Image  # noqa: PLC0415 (a start, and most commands, do without)

    try:
        sent = Image.open(image, formats=(kind,))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(kind) from None
    with sent:
        _require_few_pixels(kind, sent.size)
        enough = 2 * AvatarSize.LARGE.pixels
        if kind == "JPEG" and min(sent.size) > enough:  # its decoder can leave out what nobody will see
            sent.draft(None, tuple(enough * side // min(sent.size) for side in sent.size))  # type: ignore[arg-type]
        sent.load()
        turn, colours = _turn(sent), sent.info.get("icc_profile")
        shorter = min(sent.size)
        left, top = (sent.width - shorter) // 2, (sent.height - shorter) // 2
        side = min(shorter, AvatarSize.LARGE.pixels)
        small = _plain(sent).resize(
            (side, side), Image.Resampling.LANCZOS, (left, top, left + shorter, top + shorter), reducing_gap=2.0
        )
    return _in_srgb(small if turn is None else small.transpose(turn), colours)


def _turn(image: "Image") -> "Transpose | None":
    """What makes it upright; None for what is so, or has EXIF that nobody can read."""
    from PIL.Image import Transpose  # noqa: PLC0415 (as above)

    try:
        orientation = image.getexif().get(ORIENTATION)
    except (OSError, SyntaxError, ValueError, TypeError, struct.error):
        return None
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation or 1)


def _plain(image: "Image") -> "Image":
    """In eight bits for each colour, with transparency where there is some."""
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.point(lambda grey: grey * (1 / 256)).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _in_srgb(image: "Image", profile: bytes | None) -> "Image":
    """As browsers show a picture that says nothing of its colours; one whose profile is no good is taken for such."""
    if not profile:
        return image
    from PIL import ImageCms  # noqa: PLC0415 (as above)

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB")) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _written(image: "Image") -> bytes:
    """With its pixels, and nothing else."""
    image.info = {}
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()
