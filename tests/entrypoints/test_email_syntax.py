"""Plain addresses take a short way through the syntax of e-mail, which leads where the long one does."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.security.email_syntax import EmailValidatorSyntax
from domain.errors import Invalid
from domain.identity.email import EmailAddress

SYNTAX = EmailValidatorSyntax()

_CHARACTERS = st.text(st.sampled_from("abzAZ019.-_+"), max_size=12)
_TOPS = st.sampled_from(
    ["com", "de", "test", "localhost", "invalid", "local", "onion", "arpa", "c", "c1", "1", "XN--p1ai"]
)
LIKELY = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    _CHARACTERS | st.integers(60, 70).map("x".__mul__),
    st.lists(
        _CHARACTERS | st.integers(60, 70).map("x".__mul__) | st.sampled_from(["xn--", "a--b", "xn--mnchen-3ya"]),
        max_size=5,
    ),
    _TOPS | _CHARACTERS,
)


def outcome(parse: object, text: str) -> EmailAddress | str:
    try:
        found: EmailAddress = parse(text)  # type: ignore[operator]
    except Invalid as error:
        return error.detail
    return found


@settings(max_examples=1_000)
@given(LIKELY | st.text(st.characters(max_codepoint=127), max_size=30))
@example("a@" + ".".join(["x" * 63] * 3) + "." + "y" * 58)
@example("a@b.test")
@example("a@test")
@example("a@1.2.3.4")
@example("a@ab--c.de")
@example("Ada.Lovelace+club@Example.COM")
@example("x" * 64 + "@example.com")
@example("x" * 65 + "@example.com")
@example("a@example.com\n")
def test_the_short_way_leads_where_the_long_one_does(text: str) -> None:
    if len(text) <= 254:
        assert outcome(SYNTAX.parse, text) == outcome(SYNTAX.as_library, text)
