"""Addresses that only look alike are two members, and what is mailed to one never reaches the other (S6)."""

from tests.entrypoints.http.client import ANOTHER_PASSWORD, Api, token_in

ALIKE = ("mike@example.com", "mıke@example.com")


async def test_a_link_for_one_is_mailed_to_that_one_and_changes_nothing_of_the_other(api: Api) -> None:
    for address in ALIKE:
        await api.register(address)
    await api.mails()
    for address, other in (ALIKE, ALIKE[::-1]):
        answer = await api.call("POST", "/auth/forgot-password", json={"email": address})
        assert answer.is_success
        [mail] = await api.mails()
        assert mail.to == address
        reset = {"token": token_in(mail), "password": f"{ANOTHER_PASSWORD} of {address}"}
        assert (await api.call("POST", "/auth/reset-password", json=reset)).is_success
        assert {mail.to for mail in await api.mails()} == {address}
        await api.log_in(address, reset["password"])
        wrong = {"username": other, "password": reset["password"]}
        assert (await api.call("POST", "/auth/login", data=wrong)).status_code == 401
