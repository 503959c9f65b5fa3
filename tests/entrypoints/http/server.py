"""A real server on a loopback port, in a thread, for clients that want a socket."""

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import uvicorn

from application.app import Application
from application.mail import Mailer
from entrypoints.http.app import create_app
from entrypoints.http.connections import OrderlyProtocol
from entrypoints.settings import Settings
from tests.entrypoints.http.client import OPERATOR, PASSWORD
from tests.limits import UNLIMITED


@dataclass
class Server:
    url: str
    application: Application
    loop: asyncio.AbstractEventLoop
    _token: str = ""

    def admin_token(self) -> str:
        """An administrator's; another one is made whenever whatever was sent has ended the last one's session."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if requests.get(f"{self.url}/api/v1/users?page_size=1", headers=headers, timeout=5).status_code != 200:
            name = f"tester_{uuid.uuid4().hex}"
            making = self.application.identity.create_user(
                OPERATOR, email=f"{name}@example.com", username=name, password=PASSWORD, roles=["admin"]
            )
            asyncio.run_coroutine_threadsafe(making, self.loop).result(5)
            answer = requests.post(
                f"{self.url}/api/v1/auth/login", data={"username": name, "password": PASSWORD}, timeout=5
            )
            self._token = answer.json()["access_token"]
        return self._token

    def fill_shelf(self, sku: str) -> None:
        """Something to buy, of which there is enough."""
        making = self.application.products.create_product(
            OPERATOR, sku=sku, name=sku, price=950, currency="EUR", stock=None
        )
        asyncio.run_coroutine_threadsafe(making, self.loop).result(5)


@contextmanager
def run_in_memory() -> Iterator[Server]:
    """A server that forgets; stopped on leaving."""
    with run(Settings(bcrypt_cost=4, **UNLIMITED), in_memory=True) as server:
        yield server


@contextmanager
def run(settings: Settings, *, in_memory: bool, mailer: Mailer | None = None) -> Iterator[Server]:
    """A server with these settings, which does its jobs itself; stopped on leaving."""
    app = create_app(settings, in_memory=in_memory, mailer=mailer, jobs=True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, http=OrderlyProtocol, log_config=None, log_level="warning"))
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
            app.state.application.live.switchboard.close()  # streams tell what there is, and end: clients wait for that
            yield Server(url, app.state.application, loops[0])
        finally:
            server.should_exit = True
            thread.join(10)
