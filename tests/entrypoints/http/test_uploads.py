"""Pictures sent by real clients to a real server."""

import json
import resource
import select
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests

from application.profiles.ports import LARGEST_IMAGE
from tests.entrypoints.http.server import Server, run_in_memory
from tests.pictures import a_picture, corners_of, decoded

BUFFERED = 8 * 2**20
"""Bytes that may be on their way in the buffers of both ends when the answer comes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with run_in_memory() as running:
        yield running


def test_curl_sends_a_picture_and_gets_it_back(server: Server, tmp_path: Path) -> None:
    (tmp_path / "me.jpg").write_bytes(a_picture("JPEG"))
    sent = subprocess.run(
        [
            *("curl", "-sS", "-X", "PUT", f"{server.url}/api/v1/users/me/avatar"),
            *("-H", f"Authorization: Bearer {server.admin_token()}"),
            *("-F", "file=@me.jpg;filename=../../etc/passwd"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=30,
    )
    profile = json.loads(sent.stdout)
    url = f"{server.url}/api/v1/users/{profile['user_id']}/avatar"
    got = subprocess.run(["curl", "-sS", url], capture_output=True, check=True, timeout=30)
    assert corners_of(decoded(got.stdout)) == ["red", "green", "blue", "yellow"]


def test_httpx_and_requests_send_the_largest_that_may_come(server: Server) -> None:
    content = a_picture("WEBP")
    content += bytes(LARGEST_IMAGE - len(content))
    url, headers = f"{server.url}/api/v1/users/me/avatar", {"Authorization": f"Bearer {server.admin_token()}"}
    files = {"file": ("me.webp", content)}
    assert httpx.put(url, headers=headers, files=files, timeout=30).status_code == 200
    assert requests.put(url, headers=headers, files=files, timeout=30).status_code == 200
    files = {"file": ("me.webp", content + bytes(100_000))}
    assert httpx.put(url, headers=headers, files=files, timeout=30).status_code == 413


def test_a_gigabyte_is_announced_and_refused_at_once(server: Server) -> None:
    lines = [f"Authorization: Bearer {server.admin_token()}", f"Content-Length: {2**30}"]
    answer, _ = _talk(server, [*lines, "Content-Type: multipart/form-data; boundary=b"], most=0)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_of_a_gigabyte_that_is_not_announced_five_megabytes_are_taken(server: Server) -> None:
    """It comes in chunks; the server, which is this process, does not grow by what it did not take."""
    lines = [f"Authorization: Bearer {server.admin_token()}", "Transfer-Encoding: chunked"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer, sent = _talk(server, [*lines, "Content-Type: multipart/form-data; boundary=b"], most=2**30)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code": "body-too-large"' in answer
    assert sent <= LARGEST_IMAGE + BUFFERED
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 64 * 2**20


def _talk(server: Server, headers: list[str], *, most: int) -> tuple[bytes, int]:
    """Send an endless file in chunks until an answer comes or so much was sent; the answer, and how much was sent."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    head = ["PUT /api/v1/users/me/avatar HTTP/1.1", f"Host: {host}", *headers, "", ""]
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    sent = 0
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(head).encode())
        piece = part + bytes(65_536 - len(part))
        while sent < most and not _answers(connection):
            try:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            except (BrokenPipeError, ConnectionResetError):
                break
            sent += len(piece)
            piece = bytes(65_536)
        answer = b""
        while not answer.endswith(b"}") and (more := connection.recv(65_536)):
            answer += more
        return answer, sent


def _answers(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])
