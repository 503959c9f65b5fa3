"""The routes of the pages. Each path serves two forms: one for who has a link, one for who wants to be mailed one."""

import logging
from collections.abc import Awaitable, Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from domain.errors import MoothallError, Throttled
from entrypoints.http.errors import STATUS_OF, headers_of
from entrypoints.http.pages.contents import ACCEPT_INVITATION, RESET_PASSWORD, VERIFY_EMAIL, Contents
from entrypoints.http.pages.forms import read_form
from entrypoints.http.pages.languages import texts_for
from entrypoints.http.pages.page import Page, answer
from entrypoints.http.pages.refusals import refused
from entrypoints.http.routing import Handler
from entrypoints.http.security import Stranger, TheApplication

log = logging.getLogger("moothall.http")

ASKING = {"email"}


class PageRoute(APIRoute):
    """Whatever goes wrong is a page too."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def for_people(request: Request) -> Response:
            try:
                return await handle(request)
            except HTTPException as error:
                contents = _contents(request)
                too_large = error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                page = contents.too_large() if too_large else contents.malformed()
                return _answer(request, page.as_error(), error.status_code, error.headers)
            except Throttled as error:
                return _answer(request, _contents(request).too_many(), STATUS_OF[Throttled], headers_of(error))
            except Exception:
                request_id = request.state.request_id
                log.exception("unexpected error in request %s", request_id)
                page = _contents(request).broken(request_id).as_error()
                return _answer(request, page, HTTPStatus.INTERNAL_SERVER_ERROR)

        return for_people


router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
async def home_page(request: Request) -> Response:
    """Where the mails lead that have no link of their own, until there is a front-end."""
    return _answer(request, _contents(request).home())


@router.get(VERIFY_EMAIL)
async def verification_page(request: Request) -> Response:
    contents = _contents(request)
    token = _token(request)
    return _answer(request, contents.verify(token) if token else contents.ask_for_verification())


@router.post(VERIFY_EMAIL)
async def send_verification_page(request: Request, application: TheApplication, actor: Stranger) -> Response:
    form = await read_form(request, {"token"}, ASKING)
    contents = _contents(request)
    if "email" in form:
        email = form["email"].strip()
        return await _attempt(
            request,
            application.identity.request_verification(actor, email=email),
            shown=contents.ask_for_verification(email),
            done=contents.verification_asked(),
            status=HTTPStatus.ACCEPTED,
        )
    token = form.get("token", "")
    return await _attempt(
        request,
        application.identity.verify_email(actor, token=token),
        shown=contents.verify(token),
        done=contents.verified(),
        instead={"bad-link": contents.bad_verification_link(), "email-taken": contents.email_taken()},
    )


@router.get(RESET_PASSWORD)
async def reset_page(request: Request) -> Response:
    contents = _contents(request)
    token = _token(request)
    return _answer(request, contents.reset(token) if token else contents.ask_for_reset())


@router.post(RESET_PASSWORD)
async def send_reset_page(request: Request, application: TheApplication, actor: Stranger) -> Response:
    form = await read_form(request, {"token", "password"}, ASKING)
    contents = _contents(request)
    if "email" in form:
        email = form["email"].strip()
        return await _attempt(
            request,
            application.identity.forgot_password(actor, email=email),
            shown=contents.ask_for_reset(email),
            done=contents.reset_asked(),
            status=HTTPStatus.ACCEPTED,
        )
    token = form.get("token", "")
    return await _attempt(
        request,
        application.identity.reset_password(actor, token=token, password=form.get("password", "")),
        shown=contents.reset(token),
        done=contents.was_reset(),
        instead={"bad-link": contents.bad_reset_link()},
    )


@router.get(ACCEPT_INVITATION)
async def invitation_page(request: Request) -> Response:
    contents = _contents(request)
    token = _token(request)
    return _answer(request, contents.accept(token) if token else contents.invitation_needed())


@router.post(ACCEPT_INVITATION)
async def send_invitation_page(request: Request, application: TheApplication, actor: Stranger) -> Response:
    form = await read_form(request, {"token", "password", "username", "first_name", "last_name"})
    contents = _contents(request)
    token = form.get("token", "")
    names = {name: form.get(name, "").strip() for name in ("username", "first_name", "last_name")}
    given = {name: text for name, text in names.items() if text}
    return await _attempt(
        request,
        application.identity.accept_invitation(actor, token=token, password=form.get("password", ""), **given),
        shown=contents.accept(token, **names),
        done=contents.accepted(),
        instead={"bad-link": contents.bad_invitation_link()},
    )


async def _attempt(
    request: Request,
    doing: Awaitable[object],
    *,
    shown: Page,
    done: Page,
    instead: Mapping[str, Page] = {},
    status: int = HTTPStatus.OK,
) -> Response:
    """`shown` is the page with the form that was sent: it comes again with what is wrong, unless there is another page
    `instead` for that error."""
    try:
        await doing
    except MoothallError as error:
        other = instead.get(error.code)
        page = refused(shown, error, _contents(request).texts) if other is None else other.as_error()
        return _answer(request, page, STATUS_OF[type(error)], headers_of(error))
    return _answer(request, done, status)


def _token(request: Request) -> str:
    """What else stands in the query is ignored: mail programs and relays put in what they like."""
    return request.query_params.get("token", "")


def _contents(request: Request) -> Contents:
    accepted = ",".join(request.headers.getlist("accept-language"))
    return Contents(texts_for(accepted), request.app.state.password_policy)


def _answer(
    request: Request, page: Page, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    texts = _contents(request).texts
    return answer(page, texts, request.app.state.site_name, status=status, headers=headers)
