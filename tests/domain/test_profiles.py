"""Profiles: what may stand in one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.profiles.profile import LONGEST_BIO, LONGEST_WEBSITE, Profile, checked_website

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def a_profile(**fields: Any) -> Profile:
    return Profile(user_id=uuid4(), updated_at=NOW, **fields)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada.example",
        "http://ada.example/",
        "HTTPS://Ada.Example:8443/a/b?c=d&e=%20#f",
        "https://bücher.example/über/mich",
        "https://हिन्दी.example",
        "http://192.0.2.1:80/x",
        "http://[2001:db8::1]:8080/",
        "https://ada.example./",
        "https://a_b.example/~ada/(1)",
        "https://ada.example/?q=@home",
        "https://ada.example/" + "a" * (LONGEST_WEBSITE - 20),
    ],
)
def test_the_address_of_a_page_is_kept_as_typed(url: str) -> None:
    assert a_profile(website=url).website == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "ada.example",
        "//ada.example",
        "/about",
        "javascript:alert(1)",
        "JaVaScRiPt://ada.example/%0aalert(1)",
        "data:text/html,<script>",
        "ftp://ada.example",
        "mailto:ada@ada.example",
        "https://good.example／@bad.example",
        "https://good.example＠bad.example",
        "https://good.example／.bad.example",
        "http:ada.example",
        "http:/ada.example",
        "http:///about",
        "http://",
        "https://?x",
        "https://:80/",
        "https://user@ada.example",
        "https://user:secret@ada.example",
        "https://good.example@bad.example",
        "https://good.example\\@bad.example",
        "https://ada.example:99999",
        "https://ada.example:port",
        "https://ada..example",
        "https://-ada.example",
        "https://ada.example/a b",
        "https://ada.example/\n",
        " https://ada.example",
        "https://ada.example/\x00",
        "https://ada.example/\x7f",
        "https://ada.example/\ud800",
        "https://ada.example/\u202etxt",
        "https://ada.example/\u2028",
        "java\nscript:alert(1)",
        'https://ada.example/"onmouseover="x',
        "https://ada.example/<b>",
        "http://[::1",
        "http://[1.2.3.4]/",
        "http://[fe80::1%25eth0]/",
        "http://%41da.example/",
        "https://ada.example/" + "a" * (LONGEST_WEBSITE - 19),
    ],
)
def test_what_is_no_address_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as error:
        a_profile(website=url)
    assert [problem.pointer for problem in error.value.problems] == ["/website"]


@given(st.text() | st.text().map("https://".__add__) | st.text().map("http://ada.example/".__add__))
def test_whatever_is_taken_leads_to_a_page_and_holds_no_credentials(text: str) -> None:
    try:
        taken = checked_website(text)
    except Invalid:
        return
    assert taken == text
    parts = urlsplit(text)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is None
    assert text.isprintable()


@given(st.text(max_size=LONGEST_BIO + 5))
def test_a_bio_is_kept_as_typed_or_refused(text: str) -> None:
    allowed = bool(text.strip()) and len(text) <= LONGEST_BIO
    allowed = allowed and not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text if c not in "\t\r\n")
    if allowed:
        assert a_profile(bio=text).bio == text
    else:
        with pytest.raises(Invalid) as error:
            a_profile(bio=text)
        assert [problem.pointer for problem in error.value.problems] == ["/bio"]


def test_a_bio_may_have_line_breaks_but_neither_surrogates_nor_nul() -> None:
    assert a_profile(bio="one\n\ttwo\r\nthree").bio == "one\n\ttwo\r\nthree"
    for bad in ("\ud800", "a\x00b", "a\x7fb", "\x1b[31m"):
        with pytest.raises(Invalid):
            a_profile(bio=bad)


@given(st.lists(st.sampled_from([{"bio": "a"}, {"bio": "b"}, {"bio": None}, {"website": "https://ada.example"}])))
def test_the_version_counts_what_was_saved(changes: list[dict[str, str | None]]) -> None:
    profile = a_profile()
    saved = 0
    for change in changes:
        changed = profile.changed(NOW, **change)
        if changed is not profile:
            profile, saved = changed.saved(), saved + 1
    assert profile.version == saved


def refused(website: str) -> Invalid:
    with pytest.raises(Invalid) as error:
        checked_website(website)
    return error.value


def test_the_longest_address_is_kept_and_a_longer_one_is_told_the_bound() -> None:
    longest = "https://ada.example/" + "a" * (LONGEST_WEBSITE - 20)
    assert checked_website(longest) == longest
    error = refused(longest + "a")
    assert error.code == "text-too-long"
    assert str(LONGEST_WEBSITE) in error.detail


def test_who_gives_no_address_is_shown_one() -> None:
    error = refused("ada.example")
    assert error.code == "bad-website"
    assert error.detail.startswith("This is not the whole address of a web page, such as https://ada.example/")


def test_a_name_of_a_host_has_253_characters_at_most() -> None:
    longest = "https://" + ".".join(["a" * 49] * 5) + ".abc"
    assert len(longest.removeprefix("https://")) == 253
    assert checked_website(longest) == longest
    assert refused(longest + "d").code == "bad-website"


@pytest.mark.parametrize("website", ["http://[x]/", "http://[12001:db8::1]/", "http://[v1.x]/", "http://[]/"])
def test_in_brackets_stands_an_address_of_ipv6(website: str) -> None:
    assert refused(website).code == "bad-website"


@pytest.mark.parametrize("website", ["https://ada.example/X", "http://[::1]/", "http://[fe80::1]:80/"])
def test_other_addresses_are_good(website: str) -> None:
    assert checked_website(website) == website


def test_a_change_says_when_it_was_made_and_leaves_the_rest() -> None:
    before, later = a_profile(bio="a", website="https://ada.example"), NOW + timedelta(1)
    after = before.changed(later, bio="b")
    assert (after.bio, after.website, after.updated_at) == ("b", "https://ada.example", later)
    after = before.changed(later, bio="b", website="https://ada.example")
    assert (after.bio, after.updated_at) == ("b", later), "one field is the same, the other is not"
    assert before.changed(later, bio="a", website="https://ada.example") is before
