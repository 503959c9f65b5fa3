"""What a client is called in front of its member."""

_CLIENTS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-", "Python"),
    ("okhttp/", "an Android app"),
    ("CFNetwork/", "an Apple app"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device(user_agent: str | None) -> str | None:
    """`Firefox on Windows`, in our own words: what a client says of itself (RFC 9110, section 10.1.5) is whatever its
    user wants, and mailed to somebody else it could be a lie with a link in it. None where nothing is recognised."""
    if user_agent is None:
        return None
    client = next((name for mark, name in _CLIENTS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return " on ".join(filter(None, (client, system))) or None
