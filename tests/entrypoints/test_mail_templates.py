"""Every mail exists in every language, says what it has to, and shows what strangers wrote as text and nothing else."""

import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mail import JinjaTemplates, UnknownLanguage
from adapters.mail.templates import PACKAGED
from application.mail import TEMPLATES, Letter, Text

LANGUAGES = ("en", "de")
AT = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)
LINK = "https://club.example/reset?token=abc_DEF-123&again=yes"
VALUES: Mapping[str, Any] = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "old_email": "old@example.com",
    "new_email": "new@example.com",
    "link": LINK,
    "expires_at": AT,
    "at": AT,
    "address": "203.0.113.7",
    "device": "Firefox on Linux",
    "number": "2026-17",
    "lines": [{"name": "Mug", "quantity": 3, "unit_price": 1250}, {"name": "Pen", "quantity": 1, "unit_price": 5}],
    "currency": "EUR",
    "total": 3755,
    "placed_at": AT,
    "title": "The hall is closed",
    "text": "The heating is being mended.\nWe meet again a week later.",
}
SECURITY = ("email-changed", "password-changed", "new-sign-in", "session-reused")
NOT_YOU = {"en": "was not you", "de": "nicht waren"}
IGNORE = {"en": "you can ignore this mail", "de": "können Sie diese Nachricht ignorieren"}
UNTIL = {"en": "good until 9 March 2026, 07:05 UTC", "de": "gilt bis zum 9. März 2026, 07:05 Uhr (UTC)"}
OWN = {language: JinjaTemplates(language=language, site_name="Our Club") for language in LANGUAGES}
EVERY = pytest.mark.parametrize(
    ("language", "name"), [(language, name) for language in LANGUAGES for name in TEMPLATES]
)
NAMES = st.text(max_size=400) | st.text(alphabet="<>&\"'/{}%=;:\r\n\u202e\u2028 ab", max_size=60)


class Page(HTMLParser):
    """What a mail program makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def _written(language: str, template: str, /, **values: Any) -> Text:
    every = {**VALUES, **values}
    return OWN[language].write(
        Letter("ada@example.com", template, {value: every[value] for value in TEMPLATES[template]})
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_mail_and_no_other(language: str) -> None:
    found = {path.stem for path in (PACKAGED / language).iterdir()}
    assert found == {*TEMPLATES, "words"}
    assert {path.name for path in PACKAGED.iterdir()} == {*LANGUAGES, "html", "text"}


@EVERY
def test_a_mail_uses_the_values_that_it_gets_and_no_other(language: str, name: str) -> None:
    assert OWN[language].values_used(name) == {*TEMPLATES[name]}
    OWN[language].check()


@EVERY
def test_a_subject_is_one_line_that_names_the_site(language: str, name: str) -> None:
    subject = _written(language, name).subject
    assert "Our Club" in subject
    assert len(subject) < 80
    assert subject == _flat(subject)
    assert len({_written(language, other).subject for other in TEMPLATES}) == len(TEMPLATES)


@EVERY
def test_the_plain_text_can_be_read(language: str, name: str) -> None:
    plain = _written(language, name).plain
    lines = plain.splitlines()
    assert all(len(line) <= 72 or line == LINK for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in plain
    assert plain == plain.strip("\n") + "\n"
    assert not re.search(r"<\w|&\w+;|\{\{|%\}|\bNone\b|Undefined", plain)
    assert "Our Club" in plain


@EVERY
def test_both_editions_say_the_same(language: str, name: str) -> None:
    text = _written(language, name)
    shown = _flat(Page(text.html).words)
    for line in text.plain.split("\n--\n")[0].splitlines():
        for part in re.split(r"[:×]", line):
            assert _flat(part) in shown, f"{part!r} is not in {shown!r}"


@EVERY
def test_the_html_stands_alone_and_is_accessible(language: str, name: str) -> None:
    html = _written(language, name).html
    page = Page(html)
    tags = [tag for tag, _ in page.tags]
    [(_, root)] = [tag for tag in page.tags if tag[0] == "html"]
    assert root == {"lang": language, "dir": "ltr"}
    assert not {"script", "link", "img", "iframe", "form", "object"} & set(tags)
    assert set(re.findall(r"https?://[^\s\"'<&?]+", html)) <= {"https://club.example/reset"}
    assert "@import" not in html
    assert "url(" not in html
    assert tags.count("title") == 1
    layout = [attributes for tag, attributes in page.tags if tag == "table" and attributes["class"] != "facts"]
    assert all(attributes["role"] == "presentation" for attributes in layout)
    assert all(attributes.get("scope") == "row" for tag, attributes in page.tags if tag == "th")
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert all("style" in attributes for tag, attributes in page.tags if tag in ("p", "a", "td", "body"))
    assert len(html) < 50_000, "some mail programs cut what is longer than 100 kB"


@EVERY
def test_a_link_is_a_button_and_can_be_copied(language: str, name: str) -> None:
    text = _written(language, name)
    links = [attributes["href"] for tag, attributes in Page(text.html).tags if tag == "a"]
    if "link" not in TEMPLATES[name]:
        assert links == []
        return
    assert links == [LINK, LINK]
    assert LINK in Page(text.html).words
    assert text.plain.splitlines().count(LINK) == 1


@EVERY
def test_who_did_not_ask_is_told_what_to_do(language: str, name: str) -> None:
    plain = _flat(_written(language, name).plain)
    if name in SECURITY:
        assert NOT_YOU[language] in plain
    if "expires_at" in TEMPLATES[name]:
        assert UNTIL[language] in plain
        assert IGNORE[language] in plain


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_happened_is_told(language: str) -> None:
    changed = _flat(_written(language, "email-changed").plain)
    assert "old@example.com" in changed
    assert "new@example.com" in changed
    assert "ada@example.com" in _written(language, "change-email").plain
    sign_in = _flat(_written(language, "new-sign-in").plain)
    for fact in ("07:05", "203.0.113.7", "Firefox on Linux"):
        assert fact in sign_in


def test_times_are_told_in_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert _written("en", "reset-password", expires_at=there) == _written("en", "reset-password")


@pytest.mark.parametrize(
    ("currency", "total", "english", "german"),
    [
        ("EUR", 3755, "37.55 EUR", "37,55 EUR"),
        ("EUR", 5, "0.05 EUR", "0,05 EUR"),
        ("JPY", 3755, "3755 JPY", "3755 JPY"),
        ("KWD", 3755, "3.755 KWD", "3,755 KWD"),
        ("EUR", 0, "0.00 EUR", "0,00 EUR"),
        ("EUR", 10**18, "10000000000000000.00 EUR", "10000000000000000,00 EUR"),
    ],
)
def test_prices_have_the_digits_of_their_currency(currency: str, total: int, english: str, german: str) -> None:
    assert f"Total: {english}\n" in _written("en", "order-confirmation", currency=currency, total=total).plain
    assert f"Summe: {german}\n" in _written("de", "order-confirmation", currency=currency, total=total).plain


def test_an_order_lists_what_was_bought() -> None:
    plain = _written("en", "order-confirmation").plain
    assert "  3 × Mug: 37.50 EUR\n  1 × Pen: 0.05 EUR\nTotal: 37.55 EUR\n" in plain


@EVERY
def test_what_may_be_missing_may_be_missing(language: str, name: str) -> None:
    text = _written(language, name, name=None, address=None, device=None)
    assert text.plain.startswith({"en": "Hello,\n", "de": "Guten Tag,\n"}[language])
    assert "None" not in text.plain + text.html


@pytest.mark.parametrize(
    "name", ["Ada", "ada", "Ada Lovelace", "J. R. R. Tolkien", "Jean-Luc", "O'Hara", "阿达", "عادة"]
)
def test_members_are_greeted_by_name(name: str) -> None:
    assert _written("en", "reset-password", name=name).plain.startswith(f"Hello {name},\n")


@pytest.mark.parametrize(
    "name",
    [
        "Win at https://evil.example",
        "www.evil.example",
        "evil.example",
        "Go to EVIL.COM now",
        "evil。com",
        "evil．com",
        "you@evil.example",
        "evil/path",
        "\u202emoc.live\u202c",
        "   ",
        "\r\n",
    ],
)
def test_a_name_that_reads_like_a_link_is_left_out(name: str) -> None:
    """Whoever registers with the address of somebody else could send them an advertisement."""
    text = _written("en", "verify-email", name=name)
    assert text.plain.startswith("Hello,\n")
    assert "evil" not in (text.subject + text.plain + text.html).lower()


@EVERY
@settings(max_examples=30, deadline=None)
@given(name_=NAMES, agent=NAMES)
def test_what_strangers_wrote_is_text_and_nothing_else(language: str, name: str, name_: str, agent: str) -> None:
    hostile = {
        "name": name_,
        "device": agent,
        "address": agent,
        "email": agent,
        "old_email": agent,
        "number": agent,
    }
    lines = [{"name": agent, "quantity": 1, "unit_price": 1}]
    text, plain = _written(language, name, **hostile, lines=lines), _written(language, name, lines=lines[:1])
    assert text.subject == _flat(text.subject)
    tags = [tag for tag, _ in Page(text.html).tags]
    assert [tag for tag in tags if tag not in ("bdi", "tr", "th", "td")] == [
        tag for tag, _ in Page(plain.html).tags if tag not in ("bdi", "tr", "th", "td")
    ]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text.subject + text.plain + text.html)
    assert (text.plain + text.html).isprintable() or all(
        c == "\n" or not 0 <= ord(c) < 32 for c in text.plain + text.html
    )
    assert len(text.plain) < 5000
    text.html.encode()


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><script>",
        "{{ config }}{% raw %}",
        "&lt;b&gt;",
        "<!--",
        "]]>",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_markup_is_shown_as_it_was_typed(language: str, hostile: str) -> None:
    text = _written(language, "new-sign-in", device=hostile)
    assert _flat(hostile) in _flat(text.plain)
    assert hostile in Page(text.html).words


def test_an_endless_value_is_cut() -> None:
    text = _written("en", "new-sign-in", name="x" * 10_000, device="ü" * 10_000)
    assert len(text.plain) < 2000
    assert "x" * 99 + "…" in text.plain


def test_the_name_of_the_site_is_text_too() -> None:
    club = JinjaTemplates(site_name='<b>"Rock & Roll"</b>')
    text = club.write(Letter("a@b.example", "welcome", {"name": "Ada", "link": LINK}))
    assert text.subject == 'Welcome to <b>"Rock & Roll"</b>'
    assert "b" not in [tag for tag, _ in Page(text.html).tags]
    assert '<b>"Rock & Roll"</b>' in Page(text.html).words


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_value_that_is_missing_is_a_bug(name: str) -> None:
    with pytest.raises(LookupError):
        OWN["en"].write(Letter("ada@example.com", name, {}))


@pytest.mark.parametrize("name", ["nothing", "words", "layout", "../en/welcome", ""])
def test_a_mail_that_there_is_not_is_a_bug(name: str) -> None:
    with pytest.raises(LookupError):
        OWN["en"].write(Letter("ada@example.com", name, VALUES))


# Templates of the operator's own.


@pytest.mark.parametrize("language", ["fr", "", "EN", "../en", "html", "text", "en/", "e n"])
def test_an_unknown_language_is_refused(language: str) -> None:
    with pytest.raises(UnknownLanguage, match=r"only in de, en$"):
        JinjaTemplates(language=language)


def test_a_translation_needs_no_change_to_the_package(tmp_path: Path) -> None:
    shutil.copytree(PACKAGED / "en", tmp_path / "nds")
    (tmp_path / "nds" / "welcome.j2").write_text(
        '{% extends "layout.j2" %}{% import "parts.j2" as part %}{% block subject %}Moin{% endblock %}'
        "{% block body %}{{ part.greeting(name) }}{{ part.button('Kiek', link) }}{% endblock %}"
    )
    own = JinjaTemplates(language="nds", own=tmp_path)
    text = own.write(Letter("a@b.example", "welcome", {"name": "Ada", "link": LINK}))
    assert text.subject == "Moin"
    assert '<html lang="nds"' in text.html
    assert ">Kiek</a>" in text.html
    with pytest.raises(UnknownLanguage, match=r"only in de, en, nds$"):
        JinjaTemplates(language="fr", own=tmp_path)


def test_a_translation_has_to_be_complete(tmp_path: Path) -> None:
    shutil.copytree(PACKAGED / "en", tmp_path / "fr")
    (tmp_path / "fr" / "invitation.j2").unlink()
    with pytest.raises(ValueError, match="invitation"):
        JinjaTemplates(language="fr", own=tmp_path)


def test_a_layout_of_ones_own_comes_first(tmp_path: Path) -> None:
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "layout.j2").write_text("<html><body>Ours{% block body %}{% endblock %}</body></html>")
    text = JinjaTemplates(own=tmp_path).write(Letter("a@b.example", "welcome", {"name": "Ada", "link": LINK}))
    assert "Ours" in text.html
    assert "Ours" not in text.plain
    assert text.subject == "Welcome to Moothall"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('{% extends "layout.j2" %}{% block subject %}{{ password }}{% endblock %}', "password"),
        ('{% extends "layout.j2" %}{% block subject %}', r"welcome\.j2, line 1"),
        ('{% extends "layout.j2" %}{% block body %}{% endblock %}', "subject"),
    ],
)
def test_a_mistake_is_found_at_the_start(tmp_path: Path, source: str, problem: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "welcome.j2").write_text(source)
    with pytest.raises(ValueError, match=problem):
        JinjaTemplates(own=tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a folder"):
        JinjaTemplates(own=tmp_path / "nowhere")


def test_german_mails_have_no_english_left() -> None:
    """Each paragraph is translated: none is the same in both languages, but links and values."""
    for name in TEMPLATES:
        english, german = (_written(language, name).plain.split("\n\n") for language in ("en", "de"))
        assert len(english) == len(german), name
        same = [one for one, other in zip(english, german, strict=True) if one == other]
        assert same == (VALUES["text"].splitlines() if "text" in TEMPLATES[name] else []), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notification_is_told_line_by_line_and_whole(language: str) -> None:
    words = "word " * 780
    plain = _written(language, "notification", text=f"First line\r\n\n<b>Second</b> line\n{words}").plain
    paragraphs = [_flat(paragraph) for paragraph in plain.split("\n\n")]
    assert "First line" in paragraphs
    assert "<b>Second</b> line" in paragraphs
    assert words.strip() in paragraphs
