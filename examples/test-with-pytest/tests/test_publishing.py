"""Editors publish once, whatever the network does."""

import newsletter
import pytest


@pytest.fixture
def editor(moothall, token_for):
    return token_for(moothall.make_user("grace@example.com", username="grace"))


def published(moothall):
    return moothall.client.get("/api/v1/posts", params={"page": 1}).json()["total"]


def test_what_is_published_is_there_for_everybody(moothall, editor):
    newsletter.publish(moothall.client, editor, "First actual case", "A moth.")
    assert published(moothall) == 1


@pytest.mark.parametrize("how", ["fail", "late"])
def test_an_answer_that_is_lost_publishes_nothing_twice(moothall, editor, how):
    moothall.fail("transactions", how)
    newsletter.publish(moothall.client, editor, "First actual case", "A moth.")
    assert published(moothall) == 1


def test_a_service_that_stays_away_is_told(moothall, editor):
    moothall.fail("transactions", times=10)
    with pytest.raises(newsletter.Refused) as refused:
        newsletter.publish(moothall.client, editor, "First actual case", "A moth.")
    assert refused.value.code == "database-unavailable"


def test_nothing_is_left_of_the_test_before(moothall):
    assert published(moothall) == 0
