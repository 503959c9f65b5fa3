"""`moothall` without waiting for Python: a process that has imported everything forks for each command.

What runs is the command's own `main`, in the folder, with the environment and on the standard streams of the shell that
called. `serve` and `worker` are started as they are, for their signals.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from tests.project.places import MOOTHALL, environment

AS_IT_IS = ("serve", "worker")

CALLER = """#!{python} -ES
import json, os, socket, sys
words = sys.argv[1:]
if words[:1] and words[0] in {as_it_is!r}:
    os.execv({command[0]!r}, [*{command!r}, *words])
asked = json.dumps({{"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}}).encode()
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    socket.send_fds(line, [b" "], [0, 1, 2])
    line.sendall(len(asked).to_bytes(4, "big") + asked)
    sys.exit(int(line.recv(1)[0]))
"""


@contextmanager
def quick_moothall() -> Iterator[str]:
    """The text of a program that is to be called `moothall`."""
    with tempfile.TemporaryDirectory(prefix="moothall-quick-") as folder:
        address = str(Path(folder) / "line")
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, address], env=environment(), stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield CALLER.format(
                python=shlex.quote(sys.executable), as_it_is=AS_IT_IS, command=list(MOOTHALL), address=address
            )
        finally:
            process.kill()
            process.communicate()


def _serve(address: str) -> None:
    from entrypoints.cli.main import COMMANDS, NOUNS, module_of

    for name in (*COMMANDS, *NOUNS):
        module_of(name)
    for name in ("entrypoints.bootstrap", "entrypoints.http.app", "adapters.sql.migrate", "rich.table"):
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(line)
            line.close()


def _answer(line: socket.socket) -> None:
    """In a process of its own, which waits for the one with the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    size = int.from_bytes(line.recv(4, socket.MSG_WAITALL), "big")
    asked = json.loads(line.recv(size, socket.MSG_WAITALL))
    process = os.fork()
    if process == 0:
        line.close()
        _run(asked["words"], asked["folder"], asked["environment"], list(streams))
    _, status = os.waitpid(process, 0)
    line.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    os._exit(0)


def _run(words: list[str], folder: str, settings: dict[str, str], streams: list[int]) -> None:
    from entrypoints.cli.main import main

    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(settings)
        sys.argv = ["moothall", *words]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
