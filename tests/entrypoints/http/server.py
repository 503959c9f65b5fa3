"""A real server on a loopback port, in a thread, for clients that want a socket."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
import uvicorn

from application.app import Application
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, PASSWORD


@dataclass
class Server:
    url: str
    application: Application
    loop: asyncio.AbstractEventLoop
    _token: tuple[float, str] = field(default=(0.0, ""))

    def admin_token(self) -> str:
        """An administrator's, signed in again whenever the last one no longer works."""
        headers = {"Authorization": f"Bearer {self._token[1]}"}
        if requests.get(f"{self.url}/api/v1/users?page_size=1", headers=headers, timeout=5).status_code != 200:
            asyncio.run_coroutine_threadsafe(self._make_admin(), self.loop).result(5)
            answer = requests.post(
                f"{self.url}/api/v1/auth/login", data={"username": "tester", "password": PASSWORD}, timeout=5
            )
            self._token = time.monotonic(), answer.json()["access_token"]
        return self._token[1]

    async def _make_admin(self) -> None:
        """One that surely exists, whatever was done to it before."""
        identity = self.application.identity
        found = await identity.list_users(OPERATOR)
        for user in found.items:
            if user.username == "tester":
                await identity.create_user(OPERATOR, email=f"spare-{user.id}@example.com", roles=["admin"])
                await identity.delete_user(OPERATOR, user_id=user.id)
        await identity.create_user(
            OPERATOR, email="tester@example.com", username="tester", password=PASSWORD, roles=["admin"]
        )


@contextmanager
def run_in_memory() -> Iterator[Server]:
    """A server that forgets; stopped on leaving."""
    app = create_app(Settings(bcrypt_cost=4), in_memory=True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve([listening])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                time.sleep(0.01)
            yield Server(url, app.state.application, loops[0])
        finally:
            server.should_exit = True
            thread.join(10)
