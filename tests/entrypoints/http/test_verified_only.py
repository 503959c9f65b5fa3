"""Where only members with a verified address may sign in (`MOOTHALL_REQUIRE_VERIFIED_EMAIL`)."""

from pathlib import Path

import pytest

from entrypoints.settings import Settings
from tests.entrypoints.http.client import ANOTHER_PASSWORD, OPERATOR, PASSWORD, Api, token_in
from tests.limits import UNLIMITED
from tests.stores import database_url


@pytest.fixture
def settings(store_name: str, tmp_path: Path) -> Settings:
    url = database_url(store_name, tmp_path)
    return Settings(bcrypt_cost=4, data_dir=tmp_path, database_url=url, require_verified_email=True, **UNLIMITED)


async def test_who_is_not_verified_stays_outside_until_the_link_was_followed(api: Api) -> None:
    await api.register()
    form = {"username": "ada@example.com", "password": PASSWORD}
    answer = await api.call("POST", "/auth/login", data=form)
    assert (answer.status_code, answer.json()["code"]) == (403, "email-unverified")
    oauth = await api.call("POST", "/auth/token", data={**form, "grant_type": "password"})
    assert (oauth.status_code, oauth.json()["error"]) == (400, "invalid_grant")
    await api.call("POST", "/auth/verify-email", json={"token": await api.token_mailed()})
    await api.log_in()


async def test_only_the_right_password_learns_why(api: Api) -> None:
    """S1."""
    await api.register()
    answers = []
    for login in ("ada@example.com", "nobody@example.com"):
        answer = await api.call("POST", "/auth/login", data={"username": login, "password": ANOTHER_PASSWORD})
        headers = {name: text for name, text in answer.headers.items() if name not in ("x-request-id", "date")}
        answers.append((answer.status_code, answer.json()["code"], headers))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (401, "bad-credentials")


async def test_a_reset_and_an_invitation_verify_the_address(api: Api) -> None:
    await api.register()
    await api.mails()
    await api.call("POST", "/auth/forgot-password", json={"email": "ada@example.com"})
    reset = {"token": await api.token_mailed(), "password": ANOTHER_PASSWORD}
    assert (await api.call("POST", "/auth/reset-password", json=reset)).status_code == 204
    await api.log_in(password=ANOTHER_PASSWORD)
    await api.mails()
    await api.application.identity.invite_user(OPERATOR, email="eve@example.com")
    accept = {"token": await api.token_mailed(), "password": PASSWORD}
    assert (await api.call("POST", "/auth/accept-invitation", json=accept)).status_code == 200
    await api.log_in("eve@example.com")


async def test_whose_address_an_administrator_changes_has_to_verify_it_first(api: Api) -> None:
    user = await api.application.identity.create_user(
        OPERATOR, email="ada@example.com", password=PASSWORD, is_verified=True
    )
    await api.log_in()
    await api.application.identity.update_user(OPERATOR, user_id=user.value.id, email="new@example.com")
    form = {"username": "new@example.com", "password": PASSWORD}
    assert (await api.call("POST", "/auth/login", data=form)).json()["code"] == "email-unverified"
    [link] = [mail for mail in await api.mails() if "?token=" in mail.text.plain]
    await api.call("POST", "/auth/verify-email", json={"token": token_in(link)})
    await api.log_in("new@example.com")
