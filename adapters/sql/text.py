"""What a database can hold as text."""


def storable(text: str) -> bool:
    """PostgreSQL knows no NUL, and UTF-8 no lone surrogates."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
