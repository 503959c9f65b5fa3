"""`moothall db`."""

from tests.entrypoints.cli.command import Moothall, at_terminal


def test_an_empty_database_is_behind_until_it_is_upgraded(moothall: Moothall) -> None:
    assert moothall.good("db", "current").out == ""
    behind = moothall("--json", "db", "check")
    assert behind.code == 1
    assert behind.json == {"revision": None, "is_behind": True}
    assert "moothall db upgrade" in behind.err
    moothall.good("db", "upgrade")
    revision = moothall.good("db", "current").out.strip()
    assert revision
    assert moothall.good("--json", "db", "current").json == {"revision": revision}
    assert moothall.good("--json", "db", "check").json == {"revision": revision, "is_behind": False}


def test_without_a_terminal_a_downgrade_needs_yes(moothall: Moothall) -> None:
    moothall.good("db", "upgrade")
    refused = moothall("db", "downgrade", "base")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert moothall("db", "check").code == 0
    moothall.good("--yes", "db", "downgrade", "base")
    assert moothall("db", "check").code == 1


def test_a_downgrade_asks(moothall: Moothall) -> None:
    moothall.good("db", "upgrade")
    with at_terminal("db", "downgrade", "base") as asked:
        asked.expect("[y/N] ")
        asked.type("no\n")
        outcome = asked.end()
    assert outcome.code == 1
    assert outcome.err.endswith("Nothing was changed.\n")
    assert moothall("db", "check").code == 0


def test_down_and_up_again(moothall: Moothall) -> None:
    moothall.good("db", "upgrade")
    newest = moothall.good("db", "current").out
    moothall.good("--yes", "db", "downgrade", "-1")
    assert moothall.good("db", "current").out != newest
    moothall.good("db", "upgrade")
    assert moothall.good("db", "current").out == newest


def test_an_unknown_revision_is_told_in_a_sentence(moothall: Moothall) -> None:
    moothall.good("db", "upgrade")
    for words in (["db", "upgrade", "nowhere"], ["--yes", "db", "downgrade", "nowhere"]):
        outcome = moothall(*words)
        assert outcome.code in (3, 7)
        assert "nowhere" in outcome.err
