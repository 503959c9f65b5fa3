"""The page to try the live channel with: where it is served, and what it is allowed to do."""

import re

import httpx
import pytest
from asgi_lifespan import LifespanManager

from entrypoints.http.app import create_app
from entrypoints.http.live_demo import ASSETS, POLICY
from entrypoints.settings import Environment, Settings

PATHS = ["/live-demo", *(f"/live-demo/{name}" for name in ASSETS)]
SECRET = "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OWFiY2RlZg"


async def answers(environment: Environment, *, in_memory: bool = True) -> dict[str, httpx.Response]:
    app = create_app(Settings(environment=environment, secret_key=SECRET), in_memory=in_memory)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        return {path: await http.get(path) for path in PATHS}


@pytest.mark.parametrize(
    ("environment", "in_memory"),
    [(Environment.DEVELOPMENT, False), (Environment.DEVELOPMENT, True), (Environment.STAGING, True)],
)
async def test_it_is_served_where_things_are_tried_out(environment: Environment, in_memory: bool) -> None:
    for path, answer in (await answers(environment, in_memory=in_memory)).items():
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-cache"
        assert re.match(r"text/(html|javascript|css); charset=utf-8$", answer.headers["content-type"]), path


@pytest.mark.parametrize(
    ("environment", "in_memory"),
    [(Environment.STAGING, False), (Environment.PRODUCTION, False), (Environment.PRODUCTION, True)],
)
async def test_elsewhere_there_is_no_such_page(environment: Environment, in_memory: bool) -> None:
    found = await answers(environment, in_memory=in_memory)
    assert {answer.status_code for answer in found.values()} == {404}


async def test_the_page_runs_our_scripts_and_asks_nobody_else() -> None:
    found = await answers(Environment.DEVELOPMENT)
    page = found["/live-demo"]
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"<style|<script(?! type=\"module\" src=)|\son[a-z]+=|\sstyle=", page.text)
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page.text)) <= {*PATHS, "data:,"}
    for path, answer in found.items():
        assert not re.search(r"https?://", answer.text), path
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|localStorage|sessionStorage|cookie", answer.text
        ), path


async def test_what_can_be_typed_has_a_label_and_what_comes_is_read_out() -> None:
    page = (await answers(Environment.DEVELOPMENT))["/live-demo"].text
    assert len(re.findall(r"<label>[^<]+ <(?:input|textarea) ", page)) == len(re.findall("<input|<textarea", page))
    for role in ("status", "alert", "log"):
        assert f'role="{role}"' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', page)) <= set(ids)


async def test_another_file_is_not_served() -> None:
    app = create_app(Settings(), in_memory=True)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as http,
    ):
        for name in ("live-demo.html", "swagger-ui.css", "..%2Fapp.py"):
            assert (await http.get(f"/live-demo/{name}")).status_code == 404
