"""A file of members imported into PostgreSQL, by our command; and the same rows by COPY, into the same table."""

import asyncio
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from .machine import wait_for_quiet
from .measures import Imported, Measure, Plan, Turn
from .moothall_peer import Installation
from .servers import ServerError
from .workspace import program

MANY_ROWS, FEWER_ROWS = 1_000_000, 200_000
FEW_ROWS = 100_000
"""What takes as much memory as ten times as many."""
_TOOK = "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM jobs WHERE kind = 'import-members'"
_TABLES = "users, user_roles, jobs, audit_entries"


@dataclass(frozen=True)
class Imports:
    installation: Installation
    rows: int

    @property
    def name(self) -> str:
        return "imports"

    def concerned(self, plan: Plan) -> bool:
        return Measure.IMPORTS in plan.measures

    def prepare(self) -> None:
        self.installation.install()

    def take(self, plan: Plan) -> Turn:
        disturbance = wait_for_quiet()
        with TemporaryDirectory(dir=self.installation.workspace.directory) as folder:
            _, few = self._imported(Path(folder), FEW_ROWS)
            rate, many = self._imported(Path(folder), self.rows)
            raw = asyncio.run(_copied(self.installation.database_url, Path(folder) / "rows", self.rows))
        return Turn(disturbance, imported=Imported(self.rows, rate, raw, few, many))

    def _imported(self, folder: Path, rows: int) -> tuple[float, float]:
        """Rows a second while the job ran, and the command's most megabytes of memory, of which it takes what it reads
        before that."""
        asyncio.run(_execute(self.installation.database_url, f"TRUNCATE {_TABLES} CASCADE", "ANALYZE"))
        file = folder / f"{rows}.csv"
        _write(file, rows)
        command = [program("moothall"), "--json", "--quiet", "imports", "run", str(file), "--watch"]
        process = subprocess.Popen(
            command,
            env={**os.environ, **self.installation.env},
            cwd=self.installation.workspace.folder(self.installation.name),
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or json.loads(told)["created"] != rows:
            raise ServerError(f"the import ended with {process.returncode}, and told {told!r}")
        took = asyncio.run(_value(self.installation.database_url, _TOOK))
        return rows / took, usage.ru_maxrss / 1024


def _write(file: Path, rows: int) -> None:
    with file.open("w") as table:
        table.write("email,username,first_name,last_name\n")
        table.writelines(f"Member{n}@Example.com,member_{n},First{n % 997},Last{n % 7919}\n" for n in range(rows))


async def _copied(url: str, file: Path, rows: int) -> float:
    """Rows a second, of those that are there: copied out, removed, and copied in."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.copy_from_table("users", output=file, format="binary")
        await connection.execute(f"TRUNCATE {_TABLES} CASCADE")
        await connection.execute("ANALYZE")
        began = asyncio.get_running_loop().time()
        told = await connection.copy_to_table("users", source=file, format="binary")
        took = asyncio.get_running_loop().time() - began
    finally:
        await connection.close()
    if told != f"COPY {rows}":
        raise ServerError(f"COPY told {told}")
    return rows / took


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
