"""`moothall config`."""

import re
from typing import Any

import pytest

from entrypoints import settings
from entrypoints.cli.config import masked
from entrypoints.settings import Settings
from tests.entrypoints.cli.command import Moothall

SECRET = "correct-horse-battery-staple-correct-horse"


def _shown(moothall: Moothall) -> dict[str, dict[str, Any]]:
    return {setting["name"]: setting for setting in moothall.good("--json", "config", "show").json}


def test_every_setting_is_shown_with_its_source(moothall: Moothall) -> None:
    (moothall.home / ".env").write_text("MOOTHALL_DB_POOL_SIZE=7\n")
    moothall.setting(LOG_LEVEL="warning", CORS_ORIGINS="https://a.example,https://b.example")
    shown = _shown(moothall)
    assert set(shown) == {f"MOOTHALL_{name.upper()}" for name in Settings.model_fields}
    assert shown["MOOTHALL_LOG_LEVEL"] == {"name": "MOOTHALL_LOG_LEVEL", "value": "warning", "source": "environment"}
    assert shown["MOOTHALL_CORS_ORIGINS"]["value"] == ["https://a.example", "https://b.example"]
    assert shown["MOOTHALL_DB_POOL_SIZE"]["value"] == 7
    assert shown["MOOTHALL_DB_POOL_SIZE"]["source"] == "file"
    assert shown["MOOTHALL_DB_TIMEOUT"]["source"] == "default"
    assert shown["MOOTHALL_DATABASE_URL"]["value"].endswith("moothall-data/moothall.db")


def test_no_secret_is_shown(moothall: Moothall) -> None:
    moothall.setting(SECRET_KEY=SECRET, DATABASE_URL="postgresql://moot:s3cr/et@db.example/moot?sslpassword=hidd3n")
    shown = _shown(moothall)
    assert shown["MOOTHALL_SECRET_KEY"]["value"] == "set"
    assert shown["MOOTHALL_SECRET_KEY_PREVIOUS"]["value"] == "not set"
    assert shown["MOOTHALL_DATABASE_URL"]["value"] == "postgresql://moot:***@db.example/moot?sslpassword=***"
    for words in (["config", "show"], ["--json", "config", "show"], ["config", "check"], ["doctor"]):
        outcome = moothall(*words)
        for secret in (SECRET, "s3cr", "hidd3n"):
            assert secret not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@ss:w/rd@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://:p@h/d", "postgresql://:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql:///d?user=u&password=p&x=y", "postgresql:///d?user=u&password=***&x=y"),
        ("sqlite:////data/moothall.db", "sqlite:////data/moothall.db"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
    ],
)
def test_passwords_in_urls_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_good_settings_are_told_to_be_good(moothall: Moothall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "NOT_YET_USED", ("OF_LATER",))
    moothall.setting(OF_LATER="7")
    outcome = moothall.good("config", "check")
    assert "MOOTHALL_OF_LATER has no effect" in outcome.err
    assert moothall.good("--json", "config", "check").json == {"without_effect": ["MOOTHALL_OF_LATER"]}


def test_wrong_settings_are_named(moothall: Moothall) -> None:
    moothall.setting(ENVIRONMENT="production")
    outcome = moothall("--json", "config", "check")
    assert outcome.code == 2
    assert {problem["pointer"] for problem in outcome.error["errors"]} == {
        "MOOTHALL_SECRET_KEY",
        "MOOTHALL_BCRYPT_COST",
    }


def test_an_unknown_language_of_mails_is_named(moothall: Moothall) -> None:
    moothall.setting(MAIL_LANGUAGE="xx")
    outcome = moothall("--json", "config", "check")
    assert outcome.code == 2
    assert [problem["pointer"] for problem in outcome.error["errors"]] == ["MOOTHALL_MAIL_LANGUAGE"]


@pytest.mark.parametrize(
    "url", ["canary", "http://mail.example", "smtp://u:can/ary@mail.example", "smtps://u:can[ary@h"]
)
def test_a_wrong_mail_server_is_named_but_not_shown(moothall: Moothall, url: str) -> None:
    moothall.setting(SMTP_URL=url)
    outcome = moothall("--json", "config", "check")
    assert outcome.code == 2
    [problem] = outcome.error["errors"]
    assert problem["pointer"] == "MOOTHALL_SMTP_URL"
    assert not {"canary", "can", "ary"} & set(re.findall(r"\w+", problem["detail"]))


def test_a_wrong_redis_is_named_but_not_shown(moothall: Moothall) -> None:
    moothall.setting(REDIS_URL="redis+sentinel://u:canary@127.0.0.1")
    outcome = moothall("--json", "config", "check")
    assert outcome.code == 2
    [problem] = outcome.error["errors"]
    assert problem["pointer"] == "MOOTHALL_REDIS_URL"
    assert "canary" not in problem["detail"]


def test_the_url_of_redis_is_never_shown(moothall: Moothall) -> None:
    moothall.setting(REDIS_URL="redis://u:canary@127.0.0.1")
    outcome = moothall.good("--json", "config", "show")
    assert {one["name"]: one["value"] for one in outcome.json}["MOOTHALL_REDIS_URL"] == "set"
    assert "canary" not in outcome.out


def test_a_wrong_secret_is_named_but_not_shown(moothall: Moothall) -> None:
    moothall.setting(SECRET_KEY="hunter2-too-short")
    outcome = moothall("config", "check")
    assert outcome.code == 2
    assert "MOOTHALL_SECRET_KEY" in outcome.err
    assert "hunter2" not in outcome.err
