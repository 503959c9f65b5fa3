"""A newsletter, kept by Moothall: what is tested here."""

import uuid
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

API = "/api/v1"
TRIES = 3


class Refused(Exception):
    """The service said no; `code` says why, and stays the same between versions."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = answer.json()
        super().__init__(problem["detail"])
        self.code: str = problem["code"]


def join(http: httpx.Client, email: str, password: str) -> None:
    """A mail follows, with a link to `confirm`."""
    _good(http.post(f"{API}/auth/register", json={"email": email, "password": password}))


def confirm(http: httpx.Client, link: str) -> None:
    token = parse_qs(urlsplit(link).query)["token"][0]
    _good(http.post(f"{API}/auth/verify-email", json={"token": token}))


def publish(http: httpx.Client, token: str, title: str, content: str) -> str:
    """The id of what everybody can read now. Repeated where the service is away: once is enough all the same."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    body = {"title": title, "content": content, "is_published": True}
    for _ in range(TRIES):
        answer = http.post(f"{API}/posts", json=body, headers=headers)
        if answer.status_code != 503:
            break
    return str(_good(answer).json()["id"])


@dataclass
class Reader:
    """Signed in for as long as the service allows, with a token that is renewed when it has expired."""

    http: httpx.Client
    email: str
    password: str
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)

    def me(self) -> dict[str, object]:
        if not self.access:
            self._keep(self.http.post(f"{API}/auth/login", data={"username": self.email, "password": self.password}))
        answer = self._ask()
        if answer.status_code == 401:
            self._keep(self.http.post(f"{API}/auth/refresh", json={"refresh_token": self.refresh}))
            answer = self._ask()
        found: dict[str, object] = _good(answer).json()
        return found

    def _ask(self) -> httpx.Response:
        return self.http.get(f"{API}/users/me", headers={"Authorization": f"Bearer {self.access}"})

    def _keep(self, answer: httpx.Response) -> None:
        tokens = _good(answer).json()
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]


async def titles(http: httpx.AsyncClient) -> list[str]:
    """Of everything that was published, the newest first."""
    found: list[str] = []
    path: str | None = f"{API}/posts?cursor="
    while path:
        page = _good(await http.get(path))
        found += [post["title"] for post in page.json()["items"]]
        path = page.links.get("next", {}).get("url")
    return found


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise Refused(answer)
    return answer
