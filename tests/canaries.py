"""Secrets that are looked for where none may be: as they are, and in the forms in which they travel."""

import base64
from collections.abc import Iterable
from urllib.parse import quote

OF_THE_SUITE = ("violet-anchor-42-lamp", "amber-harbour-17-kite")
"""The passwords that nearly every test uses."""
SHORTEST = 8


def forms(secret: str) -> set[str]:
    """The secret itself, as a URL writes it, in hexadecimal, and what is left of it within any base64."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), raw.hex()}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).decode()
        of_others = -(-before * 8 // 6)
        inner = whole[of_others : len(whole.rstrip("=")) - 1]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in found if len(form) >= SHORTEST}


def found_in(text: str, secrets: Iterable[str]) -> list[str]:
    """Those of them that can be read in the text, in whatever form."""
    return [secret for secret in secrets if any(form in text for form in forms(secret))]
