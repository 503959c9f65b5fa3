"""People join by a link in a mail."""

import newsletter
import pytest

PASSWORD = "copper-meadow-63-tide"


def test_who_joins_is_asked_to_confirm(moothall, mail, token_for):
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    [asked] = mail.to("ada@example.com")
    assert "confirm" in asked.subject
    newsletter.confirm(moothall.client, asked.links[0])
    me = moothall.client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token_for('ada@example.com')}"})
    assert me.json()["is_verified"]


def test_a_link_is_not_good_for_ever(moothall, mail, clock):
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    [link] = mail.last().links
    clock.advance(8 * 24 * 3600)
    with pytest.raises(newsletter.Refused) as refused:
        newsletter.confirm(moothall.client, link)
    assert refused.value.code == "bad-link"


def test_nobody_joins_twice(moothall):
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    with pytest.raises(newsletter.Refused) as refused:
        newsletter.join(moothall.client, "ADA@example.com", PASSWORD)
    assert refused.value.code == "email-taken"


def test_a_mail_that_could_not_be_sent_is_sent_later(moothall, mail, clock):
    moothall.fail("mailer", times=2)
    newsletter.join(moothall.client, "ada@example.com", PASSWORD)
    assert mail.all() == []
    for _ in range(2):
        clock.advance(3600)
        mail.all()
    assert mail.last(to="ada@example.com").links
