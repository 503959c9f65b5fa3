"""Amounts and currencies: what is taken, and what is told of the rest."""

import pytest

from domain.errors import Invalid
from domain.money import LARGEST_TOTAL, currency, whole


def test_a_currency_is_kept_as_given() -> None:
    assert currency("EUR") == "EUR"


@pytest.mark.parametrize("code", ["", "eur", "EU", "XAU", "EUR "])
def test_what_iso_4217_does_not_have_is_refused_where_it_stands(code: str) -> None:
    with pytest.raises(Invalid) as refused:
        currency(code)
    assert refused.value.code == "unknown-currency"
    assert refused.value.problems[0].pointer == "/currency"
    assert refused.value.detail.startswith("Give a currency by its ISO 4217 code")
    with pytest.raises(Invalid) as refused:
        currency(code, pointer="/prices/0/currency")
    assert refused.value.problems[0].pointer == "/prices/0/currency"


@pytest.mark.parametrize("number", [3, 4, 7])
def test_a_number_within_its_bounds_is_taken(number: int) -> None:
    assert whole(number, pointer="/n", least=3, most=7) == number


@pytest.mark.parametrize("number", [2, 8, -3])
def test_a_number_beyond_them_is_refused_and_they_are_told(number: int) -> None:
    with pytest.raises(Invalid) as refused:
        whole(number, pointer="/n", least=3, most=7)
    assert refused.value.code == "out-of-range"
    assert refused.value.problems[0].pointer == "/n"
    assert "from 3 to 7" in refused.value.detail


def test_the_largest_total_is_the_last_that_every_reader_of_json_keeps() -> None:
    assert int(float(LARGEST_TOTAL)) == LARGEST_TOTAL == 9_007_199_254_740_991
