"""What is logged of requests."""

import logging

from entrypoints.cli.logs import WithoutQuery


def test_the_tokens_of_links_do_not_come_into_the_log() -> None:
    arguments = ("127.0.0.1:9", "GET", "/reset-password?token=s3cret", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', arguments, None)
    assert WithoutQuery().filter(record)
    assert record.getMessage() == '127.0.0.1:9 - "GET /reset-password HTTP/1.1" 200'
