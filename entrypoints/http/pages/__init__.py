"""The small plain pages that the links in mails open, for installations that have no front-end yet.

They run no script, set no cookie and ask no other host for anything. A link is shown, never tried, by GET: programs
that look at mails follow links, and would spend them. So GET needs no database, and tells nobody which links are good.

There is no token against forged requests (CSRF), because there is nothing to ride on: a form counts for what is typed
into it and for the link's own token, and for nothing that a browser would send along by itself.
"""

from fastapi import FastAPI

from domain.identity.password_policy import PasswordPolicy
from entrypoints.http.pages.routes import router


def install(app: FastAPI, *, site_name: str, passwords: PasswordPolicy) -> None:
    """Serve the pages; `passwords` is what they say about new ones."""
    app.state.site_name = site_name
    app.state.password_policy = passwords
    app.router.routes.extend(router.routes)
