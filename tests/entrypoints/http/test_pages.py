"""The pages that the links in mails open: what they say, what they spend, and what they give away."""

import asyncio
import base64
import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from asgi_lifespan import LifespanManager

from adapters.mail import MemoryMailer
from adapters.security.password_strength import ZxcvbnStrength
from domain.identity.email import EmailAddress
from domain.identity.one_time_token import Purpose
from domain.identity.password_policy import PasswordPolicy, PasswordRules
from entrypoints.http.app import create_app
from entrypoints.http.pages.languages import LANGUAGES, texts_for
from entrypoints.settings import Settings
from tests.clock import OwnClock
from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, PASSWORD, Api
from tests.mailbox import LINK

PURPOSES = {
    "/verify-email": Purpose.VERIFY_EMAIL,
    "/reset-password": Purpose.RESET_PASSWORD,
    "/accept-invitation": Purpose.INVITATION,
}
PATHS = list(PURPOSES)
HOSTILE = "\"><script>alert(1)</script>'&{{7*7}}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NO_LINK = "Error: This link does not work – Moothall"


@dataclass
class Seen(HTMLParser):
    """What somebody gets to see on a page, and what a screen reader is told."""

    text: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = ""
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.words[self._inside] = self.words.get(self._inside, "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def title(self) -> str:
        return self.words["title"]

    @property
    def prose(self) -> str:
        return self.words["p"]

    @property
    def inputs(self) -> dict[str, dict[str, str]]:
        return {attributes["name"]: attributes for attributes in self.all("input")}

    @property
    def is_alerting(self) -> bool:
        return any(attributes.get("role") == "alert" for _, attributes in self.tags)


def seen(answer: httpx.Response, status: int = 200) -> Seen:
    """The page that was answered, in every respect as every page has to be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "set-cookie" not in answer.headers
    assert answer.request.url.path == "/" or "x-process-time" not in answer.headers
    style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    page = Seen(answer.text)
    assert page.all("html")[0]["lang"] in LANGUAGES
    assert len(page.all("h1")) == 1
    assert (status >= 400) == page.title.startswith(("Error: ", "Fehler: "))
    assert not page.all("script")
    assert not [attributes for _, attributes in page.tags if {"src", "style", "onclick"} & attributes.keys()]
    labelled = [attributes["for"] for attributes in page.all("label")]
    assert labelled == [each["id"] for each in page.all("input") if each["type"] != "hidden"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    described = " ".join(each.get("aria-describedby", "") for each in page.all("input")).split()
    assert set(described) <= set(ids)
    return page


async def post(api: Api, path: str, headers: Any = None, **fields: str) -> httpx.Response:
    return await api.http.post(path, data=fields, headers=headers)


async def issued(api: Api, user_id: str, purpose: Purpose, email: EmailAddress | None = None) -> str:
    """A token as it would be mailed."""
    verify = api.application.identity.verify_email
    async with verify.transactions.begin() as uow:
        user = await uow.users.get(UUID(user_id))
        assert user is not None
        url = verify.links.url(await verify.links.issue(uow, user, purpose, email=email))
    assert url is not None
    return url.partition("?token=")[2]


async def registered(api: Api, purpose: Purpose, email: str = "ada@example.com") -> str:
    """A token of somebody who has just registered."""
    return await issued(api, (await api.register(email))["id"], purpose)


async def invited(api: Api, email: str = "eve@example.com") -> str:
    user = await api.application.identity.invite_user(OPERATOR, email=email)
    return await issued(api, str(user.value.id), Purpose.INVITATION)


def besides(path: str, password: str = ANOTHER_PASSWORD) -> dict[str, str]:
    """What is sent with the token."""
    return {} if path == "/verify-email" else {"password": password}


async def can_log_in(api: Api, password: str, login: str = "ada@example.com") -> bool:
    answer = await api.call("POST", "/auth/login", data={"username": login, "password": password})
    return answer.status_code == 200


# Confirming an address


async def test_the_link_shows_a_button_and_the_button_confirms_the_address(api: Api) -> None:
    token = await registered(api, Purpose.VERIFY_EMAIL)
    ada = await api.log_in()
    page = seen(await api.http.get("/verify-email", params={"token": token}))
    assert page.inputs["token"]["value"] == token
    assert page.words["button"] == "Confirm the address"
    assert (await api.me(ada)).json()["is_verified"] is False
    page = seen(await post(api, "/verify-email", token=token))
    assert page.title == "The address is confirmed – Moothall"
    assert "sign in" in page.prose
    assert (await api.me(ada)).json()["is_verified"] is True


async def test_a_link_that_was_used_is_said_to_be_over_and_another_one_offered(api: Api) -> None:
    token = await registered(api, Purpose.VERIFY_EMAIL)
    seen(await post(api, "/verify-email", token=token))
    page = seen(await post(api, "/verify-email", token=token), 422)
    assert page.title == NO_LINK
    assert page.inputs.keys() == {"email"}


async def test_a_new_address_is_confirmed_by_the_same_page(api: Api) -> None:
    user = await api.register()
    token = await issued(api, user["id"], Purpose.CHANGE_EMAIL, EmailAddress("new@example.com", "new@example.com"))
    seen(await post(api, "/verify-email", token=token))
    assert await can_log_in(api, PASSWORD, "new@example.com")
    assert not await can_log_in(api, PASSWORD, "ada@example.com")


async def test_an_address_that_another_account_has_by_now_is_not_taken(api: Api) -> None:
    user = await api.register()
    token = await issued(api, user["id"], Purpose.CHANGE_EMAIL, EmailAddress("eve@example.com", "eve@example.com"))
    await api.register("eve@example.com")
    page = seen(await post(api, "/verify-email", token=token), 409)
    assert page.title == "Error: Another account has this address – Moothall"
    assert "keeps the address" in page.prose
    assert await can_log_in(api, PASSWORD)


# A new password


async def test_the_link_shows_a_form_and_the_form_sets_the_password(api: Api) -> None:
    token = await registered(api, Purpose.RESET_PASSWORD)
    ada = await api.log_in()
    page = seen(await api.http.get("/reset-password", params={"token": token}))
    assert page.inputs["token"] == {"type": "hidden", "name": "token", "value": token}
    assert page.inputs["password"]["type"] == "password"
    assert page.inputs["password"]["autocomplete"] == "new-password"
    assert "At least 12 characters." in page.prose
    page = seen(await post(api, "/reset-password", token=token, password=ANOTHER_PASSWORD))
    assert page.title == "Your new password is set – Moothall"
    assert await can_log_in(api, ANOTHER_PASSWORD)
    assert not await can_log_in(api, PASSWORD)
    assert (await api.me(ada)).status_code == 401


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "has 5 characters; it needs 12"),
        ("", "has 0 characters"),
        ("password1234", "too easy to guess"),
        ("a\0b\0c" + PASSWORD, "control characters"),
        ("ada@example.com", "your own name, username or e-mail address"),
        ("x" * 257, "256 characters at most"),
    ],
)
async def test_a_refused_password_is_told_beside_the_field_and_the_link_stays_good(
    api: Api, password: str, why: str
) -> None:
    token = await registered(api, Purpose.RESET_PASSWORD)
    answer = await post(api, "/reset-password", token=token, password=password)
    page = seen(answer, 422)
    assert page.title == "Error: Choose a new password – Moothall"
    assert why in page.prose
    assert page.is_alerting
    wrong = page.inputs["password"]
    assert (wrong["aria-invalid"], wrong["aria-describedby"]) == ("true", "password-hint password-error")
    assert wrong["value"] == ""
    assert page.inputs["token"]["value"] == token
    seen(await post(api, "/reset-password", token=token, password=ANOTHER_PASSWORD))


async def test_every_reason_is_told_at_once(api: Api) -> None:
    token = await registered(api, Purpose.RESET_PASSWORD)
    page = seen(await post(api, "/reset-password", token=token, password="ada\0"), 422)
    assert "needs 12" in page.prose
    assert "control characters" in page.prose


# An invitation


async def test_an_invitation_is_accepted_with_a_password_and_names(api: Api) -> None:
    token = await invited(api)
    page = seen(await api.http.get("/accept-invitation", params={"token": token}))
    assert page.inputs.keys() == {"token", "password", "username", "first_name", "last_name"}
    assert ["required" in page.inputs[name] for name in ("password", "username", "first_name")] == [True, False, False]
    fields = {"username": " eve ", "first_name": "Eve", "last_name": ""}
    page = seen(await post(api, "/accept-invitation", token=token, password=PASSWORD, **fields))
    assert page.title == "Welcome – Moothall"
    me = (await api.me(await api.log_in("eve"))).json()
    assert (me["username"], me["first_name"], me["last_name"], me["is_verified"]) == ("eve", "Eve", None, True)


async def test_a_password_is_enough(api: Api) -> None:
    seen(await post(api, "/accept-invitation", token=await invited(api), password=PASSWORD))
    assert await can_log_in(api, PASSWORD, "eve@example.com")


async def test_a_username_that_is_taken_is_told_beside_the_field(api: Api) -> None:
    await api.register(username="ada")
    token = await invited(api)
    answer = await post(api, "/accept-invitation", token=token, password=PASSWORD, username="ADA", first_name="Eve")
    page = seen(answer, 409)
    assert "Somebody else has this username." in page.prose
    assert page.inputs["username"]["aria-invalid"] == "true"
    assert [page.inputs[name]["value"] for name in ("token", "username", "first_name")] == [token, "ADA", "Eve"]
    seen(await post(api, "/accept-invitation", token=token, password=PASSWORD, username="eve"))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("username", "no spaces", "3 to 50 letters"),
        ("first_name", "x" * 101, "too long"),
        ("last_name", "a\nb", "line breaks"),
    ],
)
async def test_a_name_that_is_refused_is_told_beside_its_field(api: Api, name: str, text: str, why: str) -> None:
    page = seen(await post(api, "/accept-invitation", token=await invited(api), password=PASSWORD, **{name: text}), 422)
    assert why in page.prose
    assert page.inputs[name]["aria-invalid"] == "true"
    assert "autofocus" in page.inputs[name]


async def test_an_invitation_that_was_accepted_already_says_whom_to_ask(api: Api) -> None:
    token = await invited(api)
    seen(await post(api, "/accept-invitation", token=token, password=PASSWORD))
    page = seen(await post(api, "/accept-invitation", token=token, password=ANOTHER_PASSWORD), 422)
    assert page.title == NO_LINK
    assert "ask who invited you" in page.prose
    assert page.all("a") == [{"href": "/reset-password"}]
    assert await can_log_in(api, PASSWORD, "eve@example.com")


# Asking for a link


async def test_who_follows_a_mail_to_the_site_itself_finds_a_page(api: Api) -> None:
    page = seen(await api.http.get("/"))
    assert "/reset-password" in str(page)


async def test_without_a_token_a_page_asks_for_the_address_or_for_the_link(api: Api) -> None:
    for path in ("/verify-email", "/reset-password", "/reset-password?token="):
        assert seen(await api.http.get(path)).inputs.keys() == {"email"}
    page = seen(await api.http.get("/accept-invitation"))
    assert not page.all("form")
    assert "Open the link in the mail" in page.prose


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
async def test_the_answer_is_the_same_whatever_is_true_of_the_address(api: Api, path: str) -> None:
    await api.register()
    disabled = await api.register("off@example.com")
    await api.application.identity.update_user(OPERATOR, user_id=UUID(disabled["id"]), is_active=False)
    answers = [
        await post(api, path, email=email) for email in ("ada@example.com", "off@example.com", "nobody@example.com")
    ]
    assert seen(answers[0], 202).title == "Look into your mailbox – Moothall"
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
async def test_what_is_no_address_is_told_beside_the_field_which_keeps_it(api: Api, path: str) -> None:
    page = seen(await post(api, path, email=f" ada{HOSTILE} "), 422)
    assert "Enter a whole e-mail address" in page.prose
    assert page.inputs["email"]["value"] == f"ada{HOSTILE}"
    assert page.inputs["email"]["aria-describedby"] == "email-error"


@pytest.mark.parametrize("path", ["/verify-email", "/reset-password"])
async def test_no_header_changes_where_the_links_lead(api: Api, path: str) -> None:
    """S7"""
    await api.register()
    await api.mails()
    page = (await api.http.get(f"{path}?token=x")).text
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Prefix": "/evil",
        "X-Original-URL": "http://evil.example/",
        "Forwarded": "host=evil.example;proto=gopher",
        "Origin": "http://evil.example",
        "Referer": "http://evil.example/",
    }
    assert (await api.http.get(f"{path}?token=x", headers=evil)).text == page
    assert "evil" not in seen(await post(api, path, evil, email="ada@example.com"), 202).text
    [mail] = await api.mails()
    assert [link.partition("?")[0] for link in LINK.findall(mail.text.plain)] == [f"http://127.0.0.1:8000{path}"]
    assert "evil" not in mail.text.plain + mail.text.html


# Links


@pytest.mark.parametrize("path", PATHS)
async def test_a_link_that_has_run_out_is_said_to_be_over(api: Api, path: str) -> None:
    token = await registered(api, PURPOSES[path])
    api.clock.advance(days=8)
    assert seen(await post(api, path, token=token, **besides(path)), 422).title == NO_LINK


@pytest.mark.parametrize("path", PATHS)
async def test_of_twenty_at_once_one_uses_the_link(api: Api, path: str) -> None:
    """S8"""
    token = await registered(api, PURPOSES[path])
    passwords = [f"{ANOTHER_PASSWORD}-{number}" for number in range(20)]
    answers = await asyncio.gather(*(post(api, path, token=token, **besides(path, password)) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 19
    won = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 200]
    good = [password for password in passwords if await can_log_in(api, password)]
    assert good == ([] if path == "/verify-email" else won)


@pytest.mark.parametrize("path", PATHS)
async def test_a_link_for_one_thing_is_not_good_for_another(api: Api, path: str) -> None:
    user = await api.register()
    for purpose in (other for elsewhere, other in PURPOSES.items() if elsewhere != path):
        token = await issued(api, user["id"], purpose)
        assert seen(await post(api, path, token=token, **besides(path)), 422).title == NO_LINK
    assert await can_log_in(api, PASSWORD)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [HOSTILE, "", "x", "A" * 68, "Ü\u202e🦊", "a\0b", "x" * 20_000])
async def test_what_is_no_link_is_said_to_be_none(api: Api, path: str, token: str) -> None:
    page = seen(await post(api, path, token=token, **besides(path)), 422)
    assert page.title == NO_LINK
    assert "<script" not in page.text


@pytest.mark.parametrize("path", PATHS)
async def test_opening_a_link_often_spends_nothing_and_tells_nothing(api: Api, path: str) -> None:
    user = await api.register()
    token = await issued(api, user["id"], PURPOSES[path])
    bad = token[:-4] + "AAAA"
    for _ in range(3):
        good_page = seen(await api.http.get(path, params={"token": token})).text
        head = await api.http.head(path, params={"token": token})
        assert (head.status_code, head.content) == (200, b"")
    assert seen(await api.http.get(path, params={"token": bad})).text == good_page.replace(token, bad)
    seen(await post(api, path, token=token, **besides(path)))


async def test_what_mail_programs_add_to_a_link_does_no_harm(api: Api) -> None:
    page = seen(await api.http.get("/verify-email?token=x&utm_source=mail&fbclid=1"))
    assert page.inputs["token"]["value"] == "x"


@pytest.mark.parametrize("path", PATHS)
async def test_a_hostile_token_stays_text(api: Api, path: str) -> None:
    page = seen(await api.http.get(path, params={"token": HOSTILE}))
    assert page.inputs["token"]["value"] == HOSTILE
    assert "<script" not in page.text


async def test_hostile_names_stay_text(api: Api) -> None:
    fields = {"username": HOSTILE, "first_name": HOSTILE, "last_name": HOSTILE}
    page = seen(await post(api, "/accept-invitation", token=await invited(api), password=HOSTILE, **fields), 422)
    assert {page.inputs[name]["value"] for name in fields} == {HOSTILE}
    assert "<script" not in page.text
    assert HOSTILE not in page.text


# What every page has to bear


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"token=x&more=1", FORM, 422),
        (b"token=x&token=y", FORM, 422),
        (b"token=x&email=ada@example.com", FORM, 422),
        (b"token=%ff", FORM, 422),
        (b"\xff", FORM, 422),
        (b"&".join(b"a%d=1" % number for number in range(60)), FORM, 422),
        (b"token=" + b"x" * 70_000, FORM, 413),
        (b'{"token": "x"}', {"Content-Type": "application/json"}, 415),
        (b"token=x", {}, 415),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_as_a_page(
    api: Api, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    page = seen(await api.http.post(path, content=body, headers=headers), status)
    assert "Nothing was changed." in page.prose


@pytest.mark.parametrize("store_name", ["memory"])
async def test_a_body_that_announces_no_size_is_bounded_too(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"token="
        for _ in range(100):
            yield b"x" * 1_000
        raise AssertionError("it was read to the end")

    seen(await api.http.post("/reset-password", content=endless(), headers=FORM), 413)


@pytest.mark.parametrize("path", PATHS)
async def test_another_method_is_refused_and_the_right_ones_are_named(api: Api, path: str) -> None:
    answer = await api.http.put(path, data={"token": "x"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_showing_a_page_needs_no_database_and_a_failure_is_a_page() -> None:
    """The application of this one was never opened."""
    app = create_app(Settings(site_name="Rock & <Roll>", password_min_length=15), in_memory=True)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for path in PATHS:
            page = seen(await client.get(path, params={"token": "x"}))
            assert page.title.endswith(" – Rock & <Roll>")
            assert "<Roll>" not in page.text
        assert "At least 15 characters." in page.prose
        answer = await client.post("/verify-email", data={"token": "x"})
        assert answer.headers["x-request-id"] in seen(answer, 500).prose


async def test_the_rules_for_passwords_are_told() -> None:
    app = create_app(Settings(password_rules=PasswordRules.LETTERS_AND_DIGITS), in_memory=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        assert "A letter and a digit" in seen(await client.get("/reset-password?token=x")).prose


@pytest.mark.parametrize("store_name", ["sqlite"])
async def test_while_the_database_is_busy_the_form_comes_again_and_says_so(settings: Settings, tmp_path: Path) -> None:
    app = create_app(settings.model_copy(update={"db_timeout": 0.3}), clock=OwnClock(), jobs=False)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        api = Api(app, client, OwnClock(), MemoryMailer())
        token = await registered(api, Purpose.RESET_PASSWORD)
        blocker = sqlite3.connect(tmp_path / "moothall.db", isolation_level=None)
        try:
            blocker.execute("BEGIN IMMEDIATE")
            answer = await post(api, "/reset-password", token=token, password=ANOTHER_PASSWORD)
        finally:
            blocker.close()
        assert int(answer.headers["retry-after"]) >= 1
        page = seen(answer, 503)
        assert page.is_alerting
        assert "wait a moment" in page.prose
        assert page.inputs["token"]["value"] == token
        seen(await post(api, "/reset-password", token=token, password=ANOTHER_PASSWORD))


# Languages


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("fr", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("en;q=0.5, DE;q=0.7", "de"),
        ("fr,de;q=0.4", "de"),
        ("de;q=0", "en"),
        ("de;q=high,en;q=0.1", "en"),
        ("de,en", "de"),
        ("en,de", "en"),
        (";;,,;q=,-", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(accepted: str, language: str) -> None:
    assert texts_for(accepted).language == language


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_in_one_language_only(api: Api, path: str) -> None:
    german = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
    page = seen(await api.http.get(path, params={"token": "x"}, headers=german))
    assert page.all("html") == [{"lang": "de"}]
    page = seen(await post(api, path, german, token="x", **besides(path)), 422)
    assert page.title == "Fehler: Dieser Link funktioniert nicht – Moothall"


async def test_a_refused_password_is_refused_in_german_too(api: Api) -> None:
    token = await registered(api, Purpose.RESET_PASSWORD)
    answer = await post(api, "/reset-password", {"Accept-Language": "de"}, token=token, password="short")
    assert "Das Passwort ist zu kurz (5); mindestens 12 Zeichen sind nötig." in seen(answer, 422).prose


def test_every_language_has_a_word_for_every_reason_why_a_password_is_refused() -> None:
    policy = PasswordPolicy(rules=PasswordRules.LETTERS_AND_DIGITS)
    sentences = {
        sentence
        for password in ("\0", "x" * 257, "x" * 2000, "ada@example.com", "short")
        for sentence in policy.refusals(password, ["ada@example.com"])
    }
    weak = {ZxcvbnStrength().weakness(password, ()) for password in ("passwordpassword", "zxcvbnzxcvbn", "kqlw")}
    sentences |= {sentence for sentence in weak if sentence is not None}
    assert len(sentences) >= 8
    for texts in LANGUAGES.values():
        told = {texts.password_reason(sentence) for sentence in sentences}
        assert texts.password_refused not in told
        assert (texts.language == "en") == (told == sentences)


def test_every_language_says_the_same_things() -> None:
    english = LANGUAGES["en"]
    for texts in LANGUAGES.values():
        assert texts.refusals.keys() == english.refusals.keys()
        assert "{shortest}" in texts.password_hint
        assert "{request_id}" in " ".join(texts.broken.paragraphs)
        assert bool(texts.verify.button and texts.reset.button and texts.accept.button)
