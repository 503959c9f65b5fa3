"""Folding, words and lines of text."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.text import MOST_MARKS, fold, fold_long, line, search_text, words


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
