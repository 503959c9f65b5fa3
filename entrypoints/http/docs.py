"""Swagger UI and ReDoc, from files of our own: a browser asks nobody else."""

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start-swagger.js": "text/javascript",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Both programs write styles into the page; ReDoc searches in a worker that it makes itself."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
{head}
</head>
<body>
{body}
</body>
</html>
"""


@router.get("/docs")
async def swagger_ui(request: Request) -> Response:
    return _page(
        request,
        head='<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
        body='<div id="swagger-ui"></div>\n<script src="/docs/assets/swagger-ui-bundle.js"></script>\n'
        '<script src="/docs/assets/start-swagger.js"></script>',
    )


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    return _page(
        request,
        head="<style>body { margin: 0 }</style>",
        body='<redoc spec-url="/openapi.json"></redoc>\n<script src="/docs/assets/redoc.standalone.js"></script>',
    )


@router.get("/docs/assets/{name}")
async def asset(name: str) -> Response:
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    return Response(_read(name), media_type=ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _read(name: str) -> bytes:
    return (files("entrypoints.http") / "static" / name).read_bytes()


def _page(request: Request, *, head: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        _PAGE.format(title=request.app.title, head=head, body=body), headers={"Content-Security-Policy": POLICY}
    )
