"""`moothall openapi`: the description of the HTTP API."""

import json

import typer

from entrypoints.cli.running import read_settings


def openapi() -> None:
    """Print the OpenAPI description of the HTTP API."""
    from entrypoints.http.app import create_app

    typer.echo(json.dumps(create_app(read_settings()).openapi(), indent=2))
