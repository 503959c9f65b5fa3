"""The same thirty steps, from registering to deleting, give the same answers on every store."""

from pathlib import Path

from tests.entrypoints.http.client import Api
from tests.entrypoints.http.scenario import thirty_steps

EXPECTED = Path(__file__).with_name("scenario.txt")


async def test_thirty_steps_answer_alike_on_every_store(api: Api) -> None:
    _, root = await api.admin()
    assert "\n".join(await thirty_steps(api, root)) == EXPECTED.read_text(encoding="utf-8").rstrip("\n")
