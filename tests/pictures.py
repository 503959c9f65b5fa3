"""Pictures that are made for a test, and what is looked for in those that come back."""

import io
from typing import Any

from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 30)
CORNERS = (RED, GREEN, BLUE, YELLOW)
"""Top left, top right, bottom left, bottom right: no turn leaves them as they are."""


def quarters(width: int = 64, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture of four colours."""
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate(CORNERS):
        left, top = (number % 2) * width // 2, (number // 2) * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def a_picture(kind: str = "PNG", **options: Any) -> bytes:
    return encoded(quarters(), kind, **options)


def decoded(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def corners_of(image: Image.Image) -> list[str]:
    """The names of the colours in the middle of each quarter."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", YELLOW: "yellow"}
    width, height = image.size
    found = []
    for x, y in ((1, 1), (3, 1), (1, 3), (3, 3)):
        pixel: Any = image.convert("RGB").getpixel((x * width // 4, y * height // 4))
        found.append(
            min(names.items(), key=lambda item: sum(abs(a - b) for a, b in zip(item[0], pixel, strict=True)))[1]
        )
    return found
