"""A page to try the live channel with, from files of our own: docs/live.md says what is spoken there."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from entrypoints.settings import Environment

router = APIRouter(include_in_schema=False)

PAGE = "live-demo.html"
ASSETS = {"live-demo.js": "text/javascript", "live-client.js": "text/javascript", "live-demo.css": "text/css"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What members write cannot become HTML: the last two take the ways to do that from our own script. The one picture is
the empty icon of the page, without which browsers ask for another one."""


def is_served(environment: Environment, *, in_memory: bool) -> bool:
    """In development and in memory, where one tries things out; in production never."""
    return environment is Environment.DEVELOPMENT or (in_memory and environment is not Environment.PRODUCTION)


@router.get("/live-demo")
async def live_demo() -> Response:
    return _file(PAGE, "text/html", {"Content-Security-Policy": POLICY, "X-Robots-Tag": "noindex"})


@router.get("/live-demo/{name}")
async def asset(name: str) -> Response:
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    return _file(name, ASSETS[name], {})


def _file(name: str, media_type: str, headers: dict[str, str]) -> Response:
    return Response(_read(name), media_type=media_type, headers={"Cache-Control": "no-cache", **headers})


@cache
def _read(name: str) -> bytes:
    return (files("entrypoints.http") / "static" / name).read_bytes()
