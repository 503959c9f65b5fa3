"""The links in mails: verifying an address, forgetting a password, changing an address, being invited."""

import asyncio
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.entrypoints.http.client import ANOTHER_PASSWORD, PASSWORD, Api, Tokens, token_in

ADA = "ada@example.com"


async def _post(api: Api, path: str, *, as_: Tokens | None = None, **body: Any) -> httpx.Response:
    return await api.call("POST", path, as_=as_, json=body)


async def _me(api: Api, tokens: Tokens) -> dict[str, Any]:
    found: dict[str, Any] = (await api.me(tokens)).json()
    return found


async def _forgotten(api: Api, email: str = ADA) -> str:
    assert (await _post(api, "/auth/forgot-password", email=email)).status_code == 202
    return await api.token_mailed()


def _is_bad_link(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (
        422,
        "bad-link",
        "/token",
    )


# Verifying an address


async def test_who_registers_gets_a_link_and_is_welcomed_once_it_was_followed(api: Api) -> None:
    await api.register(ADA, username="ada")
    [mail] = await api.mails()
    assert (mail.to, token_in(mail)) == (ADA, token_in(mail))
    ada = await api.log_in("ada")
    assert not (await _me(api, ada))["is_verified"]
    assert (await _post(api, "/auth/verify-email", token=token_in(mail))).status_code == 204
    assert (await _me(api, ada))["is_verified"]
    [welcome] = await api.mails()
    assert welcome.to == ADA
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token_in(mail)))


async def test_a_newer_link_supersedes_the_one_before(api: Api) -> None:
    await api.register(ADA)
    old = await api.token_mailed()
    assert (await _post(api, "/auth/verify-email/request", email="ADA@example.com")).status_code == 202
    new = await api.token_mailed()
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=old))
    assert (await _post(api, "/auth/verify-email", token=new)).status_code == 204


async def test_a_superseded_link_is_not_even_mailed(api: Api) -> None:
    await api.register(ADA)
    await _post(api, "/auth/verify-email/request", email=ADA)
    await _post(api, "/auth/verify-email/request", email=ADA)
    mails = await api.mails()
    assert 1 <= len(mails) <= 2  # which of the deliveries comes first is not said
    good = [(await _post(api, "/auth/verify-email", token=token_in(mail))).status_code for mail in mails]
    assert good.count(204) == 1


@pytest.mark.parametrize("path", ["/auth/verify-email/request", "/auth/forgot-password"])
async def test_asking_answers_the_same_whatever_is_true(api: Api, path: str) -> None:
    await api.register("known@example.com")
    user = await api.register("disabled@example.com")
    _, root = await api.admin()
    await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
    await api.mails()
    answers = []
    for name in ("known", "unknown", "disabled"):
        answer = await _post(api, path, email=f"{name}@example.com")
        headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")}
        answers.append((answer.status_code, answer.content, headers))
    assert answers == [answers[0]] * 3
    assert answers[0][0] == 202
    assert [mail.to for mail in await api.mails()] == ["known@example.com"]
    assert (await _post(api, path, email="no address")).json()["code"] == "bad-email"


async def test_who_is_verified_gets_no_other_link(api: Api) -> None:
    await api.register(ADA)
    await _post(api, "/auth/verify-email", token=await api.token_mailed())
    await api.mails()
    await _post(api, "/auth/verify-email/request", email=ADA)
    assert await api.mails() == []


async def test_a_link_runs_out(api: Api) -> None:
    await api.register(ADA)
    verify, reset = await api.token_mailed(), await _forgotten(api)
    api.clock.advance(hours=1)
    assert _is_bad_link(await _post(api, "/auth/reset-password", token=reset, password=ANOTHER_PASSWORD))
    api.clock.advance(hours=23)
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=verify))


async def test_a_link_that_has_run_out_is_not_even_mailed(api: Api) -> None:
    """The mail server may have been away for a day."""
    await api.register(ADA)
    api.clock.advance(hours=24)
    assert await api.mails() == []


# Forgetting the password (S8, S9)


async def test_a_forgotten_password_is_replaced_and_every_session_ends(api: Api) -> None:
    _, ada = await api.member("ada")
    await api.mails()
    token = await _forgotten(api)
    assert (await _post(api, "/auth/reset-password", token=token, password=ANOTHER_PASSWORD)).status_code == 204
    assert [mail.to for mail in await api.mails()] == [ADA, ADA]  # it is told, and the address is verified now
    assert (await api.me(ada)).status_code == 401
    assert (await api.refresh(ada.refresh_token)).status_code == 401
    assert (await api.call("POST", "/auth/login", data={"username": "ada", "password": PASSWORD})).status_code == 401
    again = await api.log_in("ada", ANOTHER_PASSWORD)
    assert (await _me(api, again))["is_verified"]  # for the link came to the address
    assert _is_bad_link(await _post(api, "/auth/reset-password", token=token, password=PASSWORD))


async def test_of_many_who_use_a_link_at_once_one_wins(api: Api) -> None:
    await api.member("ada")
    await api.mails()
    token = await _forgotten(api)
    passwords = [f"{ANOTHER_PASSWORD}-{number}" for number in range(20)]
    answers = await asyncio.gather(
        *(_post(api, "/auth/reset-password", token=token, password=password) for password in passwords)
    )
    won = [p for p, answer in zip(passwords, answers, strict=True) if answer.status_code == 204]
    assert len(won) == 1
    assert all(_is_bad_link(answer) for answer in answers if answer.status_code != 204)
    await api.log_in("ada", won[0])


async def test_a_refused_password_spends_nothing(api: Api) -> None:
    await api.member("ada")
    await api.mails()
    token = await _forgotten(api)
    weak = await _post(api, "/auth/reset-password", token=token, password="ada@example.com")
    assert (weak.status_code, weak.json()["code"]) == (422, "password-refused")
    assert weak.json()["errors"][0]["pointer"] == "/password"
    assert (await _post(api, "/auth/reset-password", token=token, password=ANOTHER_PASSWORD)).status_code == 204


async def test_what_supersedes_a_reset_link_kills_it(api: Api) -> None:
    """A newer one, a change of the password, a change of the address (S8)."""
    user, ada = await api.member("ada")
    _, root = await api.admin()
    await api.mails()

    async def is_dead(token: str) -> bool:
        return _is_bad_link(await _post(api, "/auth/reset-password", token=token, password=ANOTHER_PASSWORD))

    first = await _forgotten(api)
    second = await _forgotten(api)
    assert await is_dead(first)
    change = {"current_password": PASSWORD, "new_password": "copper-window-77-rain"}
    assert (await api.call("PUT", "/users/me/password", as_=ada, json=change)).status_code == 204
    assert await is_dead(second)
    await api.mails()
    third = await _forgotten(api)
    assert (
        await _post(api, "/users/me/email", as_=ada, email="a@new.example", password=change["new_password"])
    ).is_success
    assert (await _post(api, "/auth/verify-email", token=await api.token_mailed())).status_code == 204
    assert await is_dead(third)
    await api.mails()
    fourth = await _forgotten(api, "a@new.example")
    assert (await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"email": ADA})).status_code == 200
    assert await is_dead(fourth)
    await api.mails()
    fifth = await _forgotten(api)
    for is_active in (False, True):
        await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": is_active})
    assert await is_dead(fifth)


async def test_who_registered_somebody_elses_address_keeps_no_way_in(api: Api) -> None:
    """Classic-federated-merge or not: whoever has the address has the account, and the other one is out."""
    _, squatter = await api.member("ada")
    key = await api.key(squatter)
    await _post(api, "/users/me/email", as_=squatter, email="evil@example.com", password=PASSWORD)
    mails = await api.mails()
    evil = next(token_in(mail) for mail in mails if mail.to == "evil@example.com")
    token = await _forgotten(api)
    assert (await _post(api, "/auth/reset-password", token=token, password=ANOTHER_PASSWORD)).status_code == 204
    assert (await api.me(squatter)).status_code == 401
    assert (await api.call("GET", "/users/me", headers={"X-API-Key": key["key"]})).status_code == 401
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=evil))


async def test_an_administrator_has_a_link_sent(api: Api) -> None:
    user, _ = await api.member("ada")
    _, root = await api.admin()
    _, staff = await api.staff("staff", "users:send-password-reset")
    await api.mails()
    assert (await _post(api, f"/users/{user['id']}/password-reset", as_=staff)).status_code == 202
    [mail] = await api.mails()
    assert mail.to == ADA
    assert (
        await _post(api, "/auth/reset-password", token=token_in(mail), password=ANOTHER_PASSWORD)
    ).status_code == 204
    boss = (await _me(api, root))["id"]
    denied = await _post(api, f"/users/{boss}/password-reset", as_=staff)
    assert (denied.status_code, denied.json()["code"]) == (403, "beyond-your-rights")
    await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"is_active": False})
    disabled = await _post(api, f"/users/{user['id']}/password-reset", as_=root)
    assert (disabled.status_code, disabled.json()["code"]) == (409, "account-disabled")


# Changing the address


async def test_a_new_address_counts_once_its_link_was_followed(api: Api) -> None:
    _, here = await api.member("ada")
    elsewhere = await api.log_in("ada")
    await api.mails()
    change = {"email": "Ada@New.example", "password": PASSWORD}
    assert (await _post(api, "/users/me/email", as_=here, **change)).status_code == 202
    [mail] = await api.mails()
    assert mail.to == "Ada@New.example"
    assert (await _me(api, here))["email"] == ADA
    assert (await _post(api, "/auth/verify-email", token=token_in(mail))).status_code == 204
    mine = await _me(api, here)
    assert (mine["email"], mine["is_verified"]) == ("Ada@New.example", True)
    assert (await api.me(elsewhere)).status_code == 401
    assert sorted(mail.to for mail in await api.mails()) == ["Ada@New.example", ADA]
    await api.log_in("ada@new.example")


async def test_it_needs_the_password(api: Api) -> None:
    _, ada = await api.member("ada")
    await api.mails()
    wrong = await _post(api, "/users/me/email", as_=ada, email="x@example.com", password=ANOTHER_PASSWORD)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-password")
    assert await api.mails() == []


async def test_whether_the_new_address_is_taken_is_not_told(api: Api) -> None:
    """Whoever has it already could have told so; the link comes to them, and changes nothing."""
    _, ada = await api.member("ada")
    await api.register("bob@example.com")
    await api.mails()
    free = await _post(api, "/users/me/email", as_=ada, email="new@example.com", password=PASSWORD)
    await api.mails()
    taken = await _post(api, "/users/me/email", as_=ada, email="bob@example.com", password=PASSWORD)
    assert (free.status_code, free.content) == (taken.status_code, taken.content)
    assert await api.mails() == []


async def test_an_address_that_was_taken_meanwhile_is_a_conflict(api: Api) -> None:
    _, ada = await api.member("ada")
    await api.mails()
    await _post(api, "/users/me/email", as_=ada, email="new@example.com", password=PASSWORD)
    token = await api.token_mailed()
    await api.register("new@example.com")
    answer = await _post(api, "/auth/verify-email", token=token)
    assert (answer.status_code, answer.json()["code"]) == (409, "email-taken")


async def test_a_changed_password_kills_a_change_of_address_that_is_under_way(api: Api) -> None:
    _, ada = await api.member("ada")
    await api.mails()
    await _post(api, "/users/me/email", as_=ada, email="new@example.com", password=PASSWORD)
    token = await api.token_mailed()
    passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    await api.call("PUT", "/users/me/password", as_=ada, json=passwords)
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))


async def test_an_address_that_an_administrator_changes_is_to_be_verified_and_the_old_one_told(api: Api) -> None:
    user, _ = await api.member("ada")
    _, root = await api.admin()
    await api.mails()
    await api.call("PATCH", f"/users/{user['id']}", as_=root, json={"email": "new@example.com"})
    mails = await api.mails()
    assert sorted(mail.to for mail in mails) == [ADA, "new@example.com", "new@example.com"]
    [link] = [mail for mail in mails if "?token=" in mail.text.plain]
    assert (await _post(api, "/auth/verify-email", token=token_in(link))).status_code == 204


async def test_a_change_of_address_ends_with_the_sessions_that_could_have_asked_for_it(api: Api) -> None:
    _, thief = await api.member("ada")
    owner = await api.log_in("ada")
    await api.mails()
    await _post(api, "/users/me/email", as_=thief, email="evil@example.com", password=PASSWORD)
    token = await api.token_mailed()
    assert (await api.call("DELETE", "/auth/sessions", as_=owner)).status_code == 204
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))
    assert (await api.me(owner)).status_code == 200


async def test_whoever_ends_sessions_as_somebody_elses_ends_what_they_asked_for(api: Api) -> None:
    """One of them, all by an administrator, those that are over already, and one whose token was used twice."""
    user, owner = await api.member("ada")
    _, root = await api.admin()

    async def asked(thief: Tokens) -> str:
        await api.mails()
        answer = await _post(api, "/users/me/email", as_=thief, email="evil@example.com", password=PASSWORD)
        assert answer.status_code == 202
        return await api.token_mailed()

    thief = await api.log_in("ada")
    token = await asked(thief)
    theirs = (await api.call("GET", "/auth/sessions", as_=thief)).json()["items"]
    [session] = [found["id"] for found in theirs if found["is_current"]]
    assert (await api.call("DELETE", f"/auth/sessions/{session}", as_=owner)).status_code == 204
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))

    thief = await api.log_in("ada")
    token = await asked(thief)
    await api.call("POST", "/auth/logout", as_=thief)
    assert (await api.call("DELETE", "/auth/sessions", as_=owner)).status_code == 204
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))

    thief = await api.log_in("ada")
    token = await asked(thief)
    await api.refresh(thief.refresh_token)
    api.clock.advance(seconds=11)
    assert (await api.refresh(thief.refresh_token)).status_code == 401
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))

    thief = await api.log_in("ada")
    token = await asked(thief)
    assert (await api.call("DELETE", f"/users/{user['id']}/sessions", as_=root)).status_code == 204
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=token))


async def test_no_key_that_was_asked_for_before_a_reset_is_made_after_it(api: Api) -> None:
    _, thief = await api.member("ada")
    await api.mails()
    token = await _forgotten(api)
    keys: list[httpx.Response] = []

    async def make_keys() -> None:
        while not keys or keys[-1].status_code == 201:
            keys.append(await _post(api, "/api-keys", as_=thief, name="x", permissions=[]))

    makers = [asyncio.create_task(make_keys()) for _ in range(4)]
    await asyncio.sleep(0.05)
    assert (await _post(api, "/auth/reset-password", token=token, password=ANOTHER_PASSWORD)).status_code == 204
    await asyncio.gather(*makers)
    made = [answer.json()["key"] for answer in keys if answer.status_code == 201]
    assert made
    for key in made:
        assert (await api.call("GET", "/users/me", headers={"X-API-Key": key})).status_code == 401


async def test_nobody_changes_their_own_address_as_an_administrator(api: Api) -> None:
    """It would be a way round the password."""
    user, helper = await api.staff("helper", "users:update")
    denied = await api.call("PATCH", f"/users/{user['id']}", as_=helper, json={"email": "evil@example.com"})
    assert (denied.status_code, denied.json()["code"]) == (403, "not-for-yourself")
    assert (await api.call("PATCH", f"/users/{user['id']}", as_=helper, json={"first_name": "H"})).status_code == 200


async def test_who_has_not_come_yet_is_not_told_of_a_corrected_address(api: Api) -> None:
    _, root = await api.admin()
    invited = (await _post(api, "/users/invite", as_=root, email="gracce@example.com")).json()
    await api.mails()
    await api.call("PATCH", f"/users/{invited['id']}", as_=root, json={"email": "grace@example.com"})
    assert await api.mails() == []
    assert (await _post(api, "/users/invite", as_=root, email="grace@example.com")).json()["id"] == invited["id"]
    [mail] = await api.mails()
    assert mail.to == "grace@example.com"


# Invitations


async def test_who_is_invited_chooses_a_password_and_is_in(api: Api) -> None:
    _, root = await api.admin()
    invited = await _post(api, "/users/invite", as_=root, email="grace@example.com", roles=["admin"])
    assert invited.status_code == 202
    assert invited.headers["location"] == f"/api/v1/users/{invited.json()['id']}"
    assert (invited.json()["roles"], invited.json()["is_verified"]) == (["admin"], False)
    token = await api.token_mailed()
    body = {"token": token, "password": PASSWORD, "username": "grace", "first_name": "Grace"}
    taken = await _post(api, "/auth/accept-invitation", **{**body, "username": "root"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username-taken")
    accepted = await _post(api, "/auth/accept-invitation", **body)
    assert len(await api.mails()) == 1
    assert (accepted.status_code, accepted.json()["full_name"]) == (200, "Grace")
    assert accepted.json()["is_verified"]
    assert accepted.headers["etag"] == '"2"'
    grace = await api.log_in("grace@example.com")
    assert (await _me(api, grace))["roles"] == ["admin"]
    assert _is_bad_link(await _post(api, "/auth/accept-invitation", **body))


async def test_who_has_not_come_yet_is_invited_again(api: Api) -> None:
    _, root = await api.admin()
    first = await _post(api, "/users/invite", as_=root, email="grace@example.com")
    old = await api.token_mailed()
    second = await _post(api, "/users/invite", as_=root, email="GRACE@example.com")
    assert (second.status_code, second.json()["id"]) == (202, first.json()["id"])
    new = await api.token_mailed()
    assert _is_bad_link(await _post(api, "/auth/accept-invitation", token=old, password=PASSWORD))
    assert (await _post(api, "/auth/accept-invitation", token=new, password=PASSWORD)).status_code == 200
    third = await _post(api, "/users/invite", as_=root, email="grace@example.com")
    assert (third.status_code, third.json()["code"]) == (409, "email-taken")


async def test_who_was_invited_gets_no_other_link(api: Api) -> None:
    _, root = await api.admin()
    invited = (await _post(api, "/users/invite", as_=root, email="grace@example.com")).json()
    await api.mails()
    await _post(api, "/auth/verify-email/request", email="grace@example.com")
    assert await api.mails() == []
    await api.call("PATCH", f"/users/{invited['id']}", as_=root, json={"is_active": False})
    again = await _post(api, "/users/invite", as_=root, email="grace@example.com")
    assert (again.status_code, again.json()["code"]) == (409, "email-taken")


async def test_nobody_invites_to_more_than_they_may_do(api: Api) -> None:
    _, staff = await api.staff("staff", "users:create", "users:set-roles")
    denied = await _post(api, "/users/invite", as_=staff, email="grace@example.com", roles=["admin"])
    assert (denied.status_code, denied.json()["code"]) == (403, "beyond-your-rights")
    _, clerk = await api.staff("clerk", "users:create")
    denied = await _post(api, "/users/invite", as_=clerk, email="grace@example.com", roles=["member"])
    assert denied.status_code == 403
    assert (await _post(api, "/users/invite", as_=clerk, email="grace@example.com")).status_code == 202


# All of them


async def test_a_token_is_good_for_its_own_purpose_alone(api: Api) -> None:
    await api.register(ADA)
    verify = await api.token_mailed()
    reset = await _forgotten(api)
    assert _is_bad_link(await _post(api, "/auth/reset-password", token=verify, password=ANOTHER_PASSWORD))
    assert _is_bad_link(await _post(api, "/auth/verify-email", token=reset))
    assert _is_bad_link(await _post(api, "/auth/accept-invitation", token=reset, password=ANOTHER_PASSWORD))


async def test_what_is_not_ours_is_no_link(api: Api) -> None:
    await api.register(ADA)
    token = await api.token_mailed()
    for bad in ("", "x", token[:-1], token + "=", token[:-2] + "AA", token.swapcase(), "ä" * 64, "A" * 64, "\0"):
        assert _is_bad_link(await _post(api, "/auth/verify-email", token=bad)), bad
    assert (await _post(api, "/auth/verify-email", token=token)).status_code == 204


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto"])
async def test_links_lead_to_the_configured_address_whatever_a_request_says(api: Api, header: str) -> None:
    """S7."""
    poison = {"Forwarded": "host=evil.example;proto=https"}.get(header, "evil.example")
    body = {"email": ADA, "password": PASSWORD}
    assert (await api.call("POST", "/auth/register", json=body, headers={header: poison})).status_code == 201
    await api.call("POST", "/auth/forgot-password", json={"email": ADA}, headers={header: poison})
    mails = await api.mails()
    assert len(mails) == 2
    for mail in mails:
        link = f"http://127.0.0.1:8000/{'verify-email' if 'verify' in mail.text.plain else 'reset-password'}?token="
        assert f"{link}{quote(token_in(mail))}" in mail.text.plain
        assert "evil.example" not in mail.text.plain + mail.text.html


async def test_nothing_is_mailed_for_what_was_refused(api: Api) -> None:
    """S31."""
    await api.register(ADA)
    await api.mails()
    assert (await _post(api, "/auth/register", email=ADA, password=PASSWORD)).status_code == 409
    assert (await _post(api, "/auth/register", email="b@example.com", password="short")).status_code == 422
    assert await api.mails() == []


async def test_no_token_is_stored(api: Api) -> None:
    """Nor what makes one of it: that takes the installation's secret."""
    await api.register(ADA)
    token = await api.token_mailed()
    verify = api.application.identity.verify_email
    token_id = verify.links.tokens.read(token)
    assert token_id is not None
    async with verify.transactions.begin() as uow:
        stored = await uow.one_time_tokens.get(token_id)
    assert stored is not None
    raw = urlsafe_b64decode(token)
    assert token not in repr(stored)
    assert stored.seed not in raw
    assert stored.id.bytes in raw


# Devices


async def test_a_sign_in_from_elsewhere_is_told(api: Api) -> None:
    await api.register(ADA, username="ada")
    await api.mails()
    first = await api.log_in("ada")
    assert await api.mails() == []  # the first one ever
    await api.log_in("ada")
    assert await api.mails() == []  # the same address and client as a session that lives
    form = {"username": "ada", "password": PASSWORD}
    browser = {"User-Agent": "Firefox/1 Windows. You were hacked! Go to https://evil.example"}
    answer = await api.call("POST", "/auth/login", data=form, headers=browser)
    [mail] = await api.mails()
    assert mail.to == ADA
    assert "Firefox on Windows" in mail.text.plain
    assert "evil.example" not in mail.text.plain + mail.text.html
    known = {**form, "device_token": answer.json()["device_token"]}
    await api.call("DELETE", "/auth/sessions", as_=first)
    await api.call("POST", "/auth/login", data=known, headers=browser)
    assert await api.mails() == []


async def test_whose_refresh_token_was_stolen_is_told(api: Api) -> None:
    """S12."""
    _, ada = await api.member("ada")
    await api.mails()
    await api.refresh(ada.refresh_token)
    api.clock.advance(seconds=11)
    await api.refresh(ada.refresh_token)
    [mail] = await api.mails()
    assert mail.to == ADA


async def test_a_password_that_was_changed_is_told(api: Api) -> None:
    """S9."""
    _, ada = await api.member("ada")
    await api.mails()
    passwords = {"current_password": PASSWORD, "new_password": ANOTHER_PASSWORD}
    await api.call("PUT", "/users/me/password", as_=ada, json=passwords)
    [mail] = await api.mails()
    assert mail.to == ADA
