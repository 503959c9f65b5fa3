"""What the URL of the setting says, read without the library that goes there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

S3_OPTIONS = {
    **{name: name for name in ("endpoint", "region", "access_key_id", "secret_access_key", "session_token")},
    "virtual_hosted_style": "virtual_hosted_style_request",
}
"""What the query of an `s3://` URL may say, and what obstore calls it. What it does not say, AWS_… say."""

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A folder, or a bucket and where in it. `options` may hold secrets."""

    folder: Path | None = None
    bucket: str | None = None
    prefix: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, url: str) -> "BlobPlace":
        """From `file:///folder` or `s3://bucket/prefix?endpoint=https://…&region=…`.

        Raises:
            ValueError: it is neither; the message holds nothing of the URL.
        """
        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.scheme == "file" and not parts.netloc and path.startswith("/") and not parts.query:
            return cls(folder=Path(path))
        if parts.scheme == "s3" and BUCKET.fullmatch(parts.netloc):
            return cls(bucket=parts.netloc, prefix=path.strip("/"), options=_options(parts.query))
        raise ValueError("is file:///folder, or s3://bucket/prefix with endpoint, region and keys behind a ?")

    def __str__(self) -> str:
        if self.folder is not None:
            return f"the folder {self.folder}"
        at = urlsplit(self.options["endpoint"]).netloc.rpartition("@")[2] if "endpoint" in self.options else "AWS"
        return f"the bucket {self.bucket} at {at}"


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    if unknown := sorted(options.keys() - S3_OPTIONS.keys()):
        raise ValueError(f"does not know {unknown[0]!r}; behind the ? stand {', '.join(S3_OPTIONS)}")
    endpoint = options.get("endpoint")
    if endpoint is not None and not re.fullmatch(r"https?://[^/?#@\s]+/?", endpoint):
        raise ValueError("has an endpoint that is no http(s)://host:port")
    if len({"access_key_id", "secret_access_key"} & options.keys()) == 1:
        raise ValueError("has one of access_key_id and secret_access_key: give both, or none")
    return options
