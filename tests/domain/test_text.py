"""Folding, words and lines of text."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.text import MOST_MARKS, fold, fold_long, line, paragraphs, search_text, words


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_case_does_not_matter_once_folded(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@pytest.mark.parametrize(("one", "other"), [("Straße", "STRASSE"), ("ＡＢＣ", "abc"), ("\u212a", "k"), ("ﬁne", "FINE")])
def test_what_differs_by_width_or_case_alone_is_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_only_looks_alike_stays_different() -> None:
    assert fold("mıke") != fold("mike")
    assert fold("раypal") != fold("paypal")


@given(st.text(), st.data())
def test_every_beginning_of_every_word_is_found(text: str, data: st.DataObject) -> None:
    searched = search_text([text])
    for word in words(text):
        beginning = word[: data.draw(st.integers(1, len(word)))]
        assert f" {beginning}" in searched


@given(st.lists(st.none() | st.text() | st.text(st.characters(max_codepoint=127)), max_size=4))
def test_what_is_searched_has_the_words_of_each_part(parts: list[str | None]) -> None:
    assert search_text(parts).split() == list(dict.fromkeys(word for part in parts if part for word in words(part)))


def test_punctuation_parts_words() -> None:
    assert words("Ada_King-Lovelace@Example.com") == ["ada", "king", "lovelace", "example", "com"]
    assert search_text(["ada", None, "Ada"]) == " ada"


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=100))
def test_a_line_is_kept_as_typed(text: str) -> None:
    if text.strip():
        assert line(text, pointer="/x", longest=100) == text


@given(st.text(max_size=5), st.sampled_from("\0\n\r\t\x1b\x85\u2028\u2029\ud800"), st.text(max_size=5))
def test_control_characters_and_surrogates_are_no_part_of_a_line(before: str, bad: str, behind: str) -> None:
    with pytest.raises(Invalid) as refused:
        line(f"a{before}{bad}{behind}b", pointer="/first_name", longest=100)
    assert refused.value.problems[0].pointer == "/first_name"


@pytest.mark.parametrize("text", ["", " ", "\u3000", "x" * 101])
def test_an_empty_or_overlong_line_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        line(text, pointer="/x", longest=100)


def test_no_line_is_no_line() -> None:
    assert line(None, pointer="/x", longest=1) is None


@given(st.text())
def test_long_text_is_folded_as_any_other(text: str) -> None:
    assert fold_long(text) == fold(text)


def test_whatever_has_to_be_put_into_an_order_is_bounded() -> None:
    """Ordering a row of marks takes time by the square of its length. Of all characters that are, or become, marks."""
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.combining(unicodedata.normalize("NFKD", character)[0]):
            marks = fold_long(f"a{character * 200}b")
            assert len(unicodedata.normalize("NFKD", marks)) <= 2 + 4 * MOST_MARKS, hex(number)
    assert words("fin" + "\u0305\u0316" * 50_000 + "al") == ["fin", "al"]


# Bounds, and what is told of them


def test_of_marks_in_a_row_thirty_count() -> None:
    mark = "\u0305"
    for marks in (mark * MOST_MARKS, mark * (MOST_MARKS + 1)):
        assert fold_long(f"a{marks}b{marks}c") == f"a{mark * MOST_MARKS}b{mark * MOST_MARKS}c"
        assert fold_long(f"{marks}a") == f"{mark * MOST_MARKS}a"


def test_letters_in_a_row_all_count() -> None:
    assert fold_long("ü" + "X" * 100) == "ü" + "x" * 100


def refused_line(text: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        line(text, pointer="/x", longest=5)
    return refused.value


def refused_paragraphs(text: str, *, may_be_empty: bool = False) -> Invalid:
    with pytest.raises(Invalid) as refused:
        paragraphs(text, pointer="/x", longest=5, may_be_empty=may_be_empty)
    return refused.value


@pytest.mark.parametrize("text", ["x", "12345", "ÄÖÜäö", " x "])
def test_a_line_has_as_many_characters_as_it_may(text: str) -> None:
    assert line(text, pointer="/x", longest=5) == text


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "empty-text", "This may be left out"),
        ("  ", "empty-text", "This may be left out"),
        ("123456", "text-too-long", "This may have 5 characters"),
        ("a\nb", "control-characters", "This may not hold line breaks"),
        ("ä\tb", "control-characters", "This may not hold line breaks"),
    ],
)
def test_a_refused_line_says_why(text: str, code: str, told: str) -> None:
    error = refused_line(text)
    assert error.code == code
    assert error.problems[0].pointer == "/x"
    assert error.detail.startswith(told)


@pytest.mark.parametrize("text", ["x", "12345", "a\n\r\tb", "ÄÖÜäö"])
def test_paragraphs_have_as_many_characters_as_they_may(text: str) -> None:
    assert paragraphs(text, pointer="/x", longest=5) == text


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_paragraphs_may_be_none_or_be_allowed_to_be_empty(text: str | None) -> None:
    assert paragraphs(text, pointer="/x", longest=5, may_be_empty=True) == text


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "empty-text", "This may be left out"),
        (" \n", "empty-text", "This may be left out"),
        ("123456", "text-too-long", "This may have 5 characters"),
        ("a\x0bb", "control-characters", "This may hold tabs and line breaks"),
        ("\ud800", "control-characters", "This may hold tabs and line breaks"),
    ],
)
def test_refused_paragraphs_say_why(text: str, code: str, told: str) -> None:
    error = refused_paragraphs(text)
    assert error.code == code
    assert error.problems[0].pointer == "/x"
    assert error.detail.startswith(told)


def test_what_may_be_empty_may_not_be_longer_for_that() -> None:
    assert refused_paragraphs("123456", may_be_empty=True).code == "text-too-long"
