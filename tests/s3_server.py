"""A small server that speaks S3, in a process of its own, on loopback: put, get, remove, list, and uploads in parts.

Every signature is computed anew (AWS Signature Version 4), and whatever is signed otherwise is refused. What it keeps
it keeps in memory. It can be told to be slow, or to fail.
"""

import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

BUCKET = "moothall-files"
REGION = "eu-north-1"
ACCESS_KEY_ID = "AKIDMOOTHALLTEST"
SECRET_ACCESS_KEY = "secret/of+the=test"
STOPS_WITHIN = 10.0
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/s3/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blobs: ClassVar[dict[str, tuple[bytes, datetime]]] = {}
    uploads: ClassVar[dict[str, dict[int, bytes]]] = {}
    status = 0
    delay = 0.0

    def log_message(self, *_: object) -> None:
        """Nothing is to be read there."""

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        time.sleep(Handler.delay)
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if Handler.status:
            return self._answer(Handler.status, b"<Error><Code>Told</Code></Error>")
        if not self._is_signed(body):
            return self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if bucket != BUCKET:
            return self._answer(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        return getattr(self, f"_{self.command.lower()}")(key, query, body)

    def _put(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "uploadId" in query:
            Handler.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            Handler.blobs[key] = body, datetime.now(UTC)
        self._answer(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})  # noqa: S324

    def _post(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "delete" in query:
            keys = re.findall("<Key>(.*?)</Key>", body.decode())
            for removed in keys:
                Handler.blobs.pop(unescape(removed), None)
            xml = "".join(f"<Deleted><Key>{removed}</Key></Deleted>" for removed in keys)
            return self._answer(200, f"<DeleteResult>{xml}</DeleteResult>".encode())
        if "uploads" in query:
            upload = uuid.uuid4().hex
            Handler.uploads[upload] = {}
            xml = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            return self._answer(200, f"<InitiateMultipartUploadResult>{xml}</InitiateMultipartUploadResult>".encode())
        pieces = Handler.uploads.pop(query["uploadId"])
        Handler.blobs[key] = b"".join(pieces[number] for number in sorted(pieces)), datetime.now(UTC)
        xml = f"<Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><ETag>&quot;whole&quot;</ETag>"
        return self._answer(200, f"<CompleteMultipartUploadResult>{xml}</CompleteMultipartUploadResult>".encode())

    def _get(self, key: str, query: dict[str, str], _: bytes) -> None:
        if query.get("list-type") == "2":
            return self._list(query)
        if key not in Handler.blobs:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        body, stored_at = Handler.blobs[key]
        headers = {"ETag": '"e"', "Last-Modified": stored_at.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        if wanted is None:
            return self._answer(200, body, headers)
        part = body[int(wanted[1]) : int(wanted[2]) + 1]
        span = f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(body)}"
        return self._answer(206, part, headers | {"Content-Range": span})

    _head = _get

    def _delete(self, key: str, _: dict[str, str], __: bytes) -> None:
        Handler.blobs.pop(key, None)
        self._answer(204)

    def _list(self, query: dict[str, str]) -> None:
        """Two on a page, so that there are several."""
        keys = sorted(key for key in Handler.blobs if key.startswith(query.get("prefix", "")))
        after = query.get("continuation-token", "")
        page = [key for key in keys if key > after][:2]
        xml = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(Handler.blobs[key][0])}</Size><ETag>&quot;e&quot;</ETag>"
            f"<LastModified>{Handler.blobs[key][1]:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified></Contents>"
            for key in page
        )
        more = bool(page) and page[-1] != keys[-1]
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        self._answer(200, f"<ListBucketResult>{truncated}{token}{xml}</ListBucketResult>".encode())

    def _is_signed(self, body: bytes) -> bool:
        """As the AWS General Reference says, "Create a signed AWS API request"."""
        found = AUTHORIZATION.fullmatch(self.headers.get("authorization", ""))
        claimed = self.headers.get("x-amz-content-sha256", "")
        if found is None or found["id"] != ACCESS_KEY_ID or found["region"] != REGION:
            return False
        if claimed not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            return False
        parts = urlsplit(self.path)
        query = sorted((quote(k, "-_.~"), quote(v, "-_.~")) for k, v in parse_qsl(parts.query, keep_blank_values=True))
        request = "\n".join(
            [
                self.command,
                quote(unquote(parts.path), "/-_.~"),
                "&".join(f"{name}={value}" for name, value in query),
                *(f"{name}:{' '.join(self.headers.get(name, '').split())}" for name in found["headers"].split(";")),
                "",
                found["headers"],
                claimed,
            ]
        )
        scope = f"{found['day']}/{REGION}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{self.headers.get('x-amz-date')}\n{scope}\n{digest}"
        key = f"AWS4{SECRET_ACCESS_KEY}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), found["signature"])

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
    setattr(Handler, f"do_{method}", Handler.handle_any)


@dataclass(frozen=True)
class S3Server:
    port: int
    process: "subprocess.Popen[str]"

    def url(self, prefix: str = "", *, secret: str = SECRET_ACCESS_KEY, bucket: str = BUCKET) -> str:
        """As the setting takes it."""
        keys = f"access_key_id={ACCESS_KEY_ID}&secret_access_key={quote(secret, '')}"
        return f"s3://{bucket}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region={REGION}&{keys}"

    def behave(self, *, status: int = 0, delay: float = 0) -> None:
        """From now on: answer everything with this status, and after so many seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"status": status, "delay": delay}), file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "done\n"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Stopped on leaving."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.s3_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield S3Server(int(process.stdout.readline()), process)
    finally:
        process.stdin.close()
        process.wait(STOPS_WITHIN)
        process.stdout.close()


def main() -> None:
    """Serve until standard input ends; each line of it says how to behave."""
    import threading

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        Handler.status, Handler.delay = told["status"], told["delay"]
        print("done", flush=True)


if __name__ == "__main__":
    main()
