"""What a client is called in front of its member."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.devices import device


@pytest.mark.parametrize(
    ("user_agent", "called"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
            "Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/19.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.14.1", "curl"),
        ("(Windows)", "Windows"),
        ("nothing that we know", None),
        (None, None),
    ],
)
def test_it_is_called_by_its_name_and_system(user_agent: str | None, called: str | None) -> None:
    assert device(user_agent) == called


@given(st.text())
def test_nothing_of_what_it_says_comes_through(text: str) -> None:
    assert "evil" not in str(device(f"Firefox/{text}evil{text} Windows"))
