"""Makes the exports anew: `make foreign-exports`. Needs the network once, for the environment, and `sqlite3`."""

import json
import subprocess
import tempfile
from pathlib import Path

from tests.benchmarks.servers import run
from tests.benchmarks.workspace import BENCH, REPOSITORY, Workspace, peer_program
from tests.foreign.keycloak_realm import realm
from tests.foreign.pocketbase_members import make_members

EXPORTS = Path(__file__).with_name("exports")


def main() -> None:
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as directory:
        workspace = Workspace(Path(directory))
        python = peer_program("python", workspace)
        for system, table in (("fastapi-users", "user"), ("django", "auth_user")):
            database = workspace.directory / f"{system}.db"
            module = f"tests.foreign.{system.replace('-', '_')}_members"
            run([python, "-m", module, database], log=workspace.log(system), cwd=REPOSITORY)
            export(database, table, EXPORTS / f"{system}.csv")
        database = workspace.directory / "pocketbase.db"
        make_members(database, workspace)
        export(database, "users", EXPORTS / "pocketbase.csv")
    text = json.dumps(realm(), indent=2, ensure_ascii=False)
    (EXPORTS / "keycloak-realm.json").write_text(f"{text}\n", encoding="utf-8")


def export(database: Path, table: str, file: Path) -> None:
    """With the command that docs/imports-from-others.md names."""
    query = f'SELECT * FROM "{table}"'  # noqa: S608
    with file.open("wb") as output:
        subprocess.run(["sqlite3", "-csv", "-header", database, query], stdout=output, check=True)


if __name__ == "__main__":
    main()
