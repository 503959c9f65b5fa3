"""Where members find this installation."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Site:
    """`url` is the configured one, without a slash at its end: links are never made from what a request says."""

    url: str

    def link(self, path: str, **query: str) -> str:
        return f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
