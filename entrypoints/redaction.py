"""Secrets taken out of what is logged: by the name that a value goes by, and by what it looks like."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|authorization|cookie|credential|(^|[_-])key$|^(api|private|signing)[_-]?key",
    re.IGNORECASE,
)
_SAYING_IT = r"(?:passw(?:or)?d|passphrase|secret|token|authorization|cookie|credentials?|api[_-]?key)"
_VALUE = r"""(?:[bBrRuU]?"(?:[^"\\]|\\.)*"|[bBrRuU]?'(?:[^'\\]|\\.)*'|[^\s"'&,;})\]]+)"""

_PATTERNS = tuple(
    (re.compile(pattern, flags), instead)
    for pattern, flags, instead in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL, REDACTED),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", 0, REDACTED),  # a JWT
        (r"\bmh_[\w-]{20,}", 0, REDACTED),  # an API key; its first nine characters may be shown
        (r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}", 0, REDACTED),  # a bcrypt hash
        (r"(://[^\s:/@]*:)\S+@", 0, rf"\1{REDACTED}@"),  # a URL with a password
        (r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE, rf"\1 {REDACTED}"),
        (r"\b((?:set-)?cookie|authorization)(\s*:\s*).*", re.IGNORECASE, rf"\1\2{REDACTED}"),  # a header is all of it
        (  # password=…, "token": "…"
            rf"({_SAYING_IT}[\"']?\s*[=:]\s*)(?!\s|(?:bearer|basic)\s|\[redacted\]){_VALUE}",
            re.IGNORECASE,
            rf"\1{REDACTED}",
        ),
        (  # base64url of 32 bytes or more, as all our tokens are; but no hexadecimal digest, no identifier
            r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[A-Za-z0-9_-]{43,}(?![\w-])={0,2}",
            0,
            REDACTED,
        ),
    )
)


def without_secrets(text: str) -> str:
    """The text, with whatever looks like a secret replaced."""
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def redacted(name: str, value: Any) -> Any:
    """A named value as JSON has it, without secrets: what is in it is looked at too, and anything strange is a text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, Mapping):
        return {without_secrets(str(inner)): redacted(str(inner), one) for inner, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(name, one) for one in value]
    return without_secrets(str(value))
