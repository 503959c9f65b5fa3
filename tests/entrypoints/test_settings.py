"""Settings come from the environment, a file or secrets; a wrong one names itself, and no secret is ever shown."""

import threading
from pathlib import Path

import pytest

from application.limits import Limit
from entrypoints import settings
from entrypoints.settings import load, without_effect
from entrypoints.wrong_settings import SettingsError

GOOD_SECRET = "q8Vt2mZx9LwRk4Yp7NbHs3DfJc6GvTaE"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and nothing of this machine's environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in settings.os.environ if name.startswith("MOOTHALL_")]:
        monkeypatch.delenv(name)


def test_without_any_setting_it_runs_embedded(tmp_path: Path) -> None:
    found = load()
    assert found.is_embedded
    assert found.database == f"{tmp_path}/moothall-data/moothall.db"
    assert found.serves_docs


def test_the_environment_comes_before_the_file_and_the_file_before_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "MOOTHALL_SECRET_KEY").write_text(GOOD_SECRET)
    (tmp_path / "secrets" / "moothall_bcrypt_cost").write_text("5")
    monkeypatch.setenv("MOOTHALL_SECRETS_DIR", str(tmp_path / "secrets"))
    assert load().bcrypt_cost == 5
    assert load().secret() == GOOD_SECRET
    (tmp_path / ".env").write_text("MOOTHALL_BCRYPT_COST=6\n")
    assert load().bcrypt_cost == 6
    monkeypatch.setenv("MOOTHALL_BCRYPT_COST", "7")
    assert load().bcrypt_cost == 7
    assert load(bcrypt_cost=8).bcrypt_cost == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOOTHALL_BCRYPT_COST", "three"),
        ("MOOTHALL_BCRYPT_COST", "3"),
        ("MOOTHALL_ENVIRONMENT", "prod"),
        ("MOOTHALL_PUBLIC_URL", "not a url"),
        ("MOOTHALL_SECRET_KEY", "short"),
        ("MOOTHALL_DB_POOL_SIZE", "0"),
        ("MOOTHALL_PASSWORD_MIN_LENGTH", "4"),
        ("MOOTHALL_PASSWORD_RULES", "emoji"),
        ("MOOTHALL_ACCESS_TOKEN_TTL", "-1"),
        ("MOOTHALL_LOG_LEVEL", "loud"),
        ("MOOTHALL_DATABASE_URL", "mysql://somewhere"),
        ("MOOTHALL_PUBLIC_URL", "https://club.example/path"),
        ("MOOTHALL_PUBLIC_URL", "https://u:p@club.example"),
        ("MOOTHALL_PUBLIC_URL", "https://club.example?a=b"),
        ("MOOTHALL_CORS_ORIGINS", "club.example"),
        ("MOOTHALL_CORS_ORIGINS", "https://club.example/"),
        ("MOOTHALL_CORS_ORIGINS", "https://*.club.example"),
        ("MOOTHALL_CORS_ORIGINS", "null"),
        ("MOOTHALL_TRUSTED_PROXIES", "garbage"),
        ("MOOTHALL_SECRET_KEY", " " * 30 + "abcdefghij"),
        ("MOOTHALL_SECRETS_DIR", "no/such/folder"),
        ("MOOTHALL_REDIS_TIMEOUT", "0"),
        ("MOOTHALL_RATE_LIMIT_DEFAULT", "100"),
        ("MOOTHALL_RATE_LIMIT_LOGIN", "0/minute"),
        ("MOOTHALL_RATE_LIMIT_REGISTER", "5/fortnight"),
        ("MOOTHALL_RATE_LIMIT_MAIL", "none"),
        ("MOOTHALL_SMTP_TIMEOUT", "0"),
        ("MOOTHALL_SMTP_FROM", "Club"),
        ("MOOTHALL_SMTP_FROM", "Club <post>"),
        ("MOOTHALL_SMTP_FROM", "jürgen@club.example"),
        ("MOOTHALL_SMTP_FROM", "post@club..example"),
        ("MOOTHALL_SMTP_FROM", "a@club.example, b@club.example"),
        ("MOOTHALL_SMTP_FROM", "Club <a@club.example>, <b@club.example>"),
        ("MOOTHALL_SMTP_FROM", "Club\r\nBcc: a@b.example <post@club.example>"),
        ("MOOTHALL_SITE_NAME", "   "),
        ("MOOTHALL_SITE_NAME", "x" * 101),
        ("MOOTHALL_SITE_NAME", "Club\r\nBcc: a@b.example"),
        ("MOOTHALL_SITE_NAME", "Club\u202ebulC"),
    ],
)
def test_a_wrong_setting_names_itself(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load()
    [problem] = error.value.problems
    assert problem.startswith(f"{name}: ")


def test_a_file_that_is_no_text_names_itself(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MOOTHALL_BCRYPT_COST=\xff\xfe")
    with pytest.raises(SettingsError, match=r"^\.env: "):
        load()


def test_a_misspelt_setting_is_refused_with_the_right_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOOTHALL_DATBASE_URL", "x")
    (tmp_path / ".env").write_text("# a comment\nexport MOOTHALL_BCRYPT_COSTS=4\n")
    with pytest.raises(SettingsError) as error:
        load()
    assert "did you mean MOOTHALL_BCRYPT_COST?" in error.value.problems[0]
    assert "did you mean MOOTHALL_DATABASE_URL?" in error.value.problems[1]


def test_an_empty_setting_is_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "DOCS", "WORKERS"):
        monkeypatch.setenv(f"MOOTHALL_{name}", "")
    (tmp_path / ".env").write_text("MOOTHALL_BCRYPT_COST=\n")
    assert load() == settings.Settings()


def test_a_setting_without_effect_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "NOT_YET_USED", ("OF_LATER",))
    monkeypatch.setenv("MOOTHALL_OF_LATER", "7")
    load()
    assert without_effect() == ["MOOTHALL_OF_LATER"]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("off", None),
        ("1/second", Limit("login", 1, 1)),
        ("5/minute", Limit("login", 5, 60)),
        ("10/hour", Limit("login", 10, 3600)),
        ("1000/day", Limit("login", 1000, 86_400)),
    ],
)
def test_a_limit_is_so_many_in_a_time_or_off(monkeypatch: pytest.MonkeyPatch, text: str, limit: Limit | None) -> None:
    monkeypatch.setenv("MOOTHALL_RATE_LIMIT_LOGIN", text)
    assert load().limits.login == limit


def test_proxies_are_written_as_the_server_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOTHALL_TRUSTED_PROXIES", "10.1.2.3/8,192.0.2.1,2001:db8::1/64")
    assert load().trusted_proxies == ["10.0.0.0/8", "192.0.2.1", "2001:db8::/64"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOOTHALL_SECRET_KEY", ""),
        ("MOOTHALL_SECRET_KEY", "a" * 40),
        ("MOOTHALL_SECRET_KEY", "please-changeme-please-changeme-0123456789"),
        ("MOOTHALL_BCRYPT_COST", "9"),
        ("MOOTHALL_CORS_ORIGINS", "https://a.example,*"),
        ("MOOTHALL_TRUSTED_PROXIES", "*"),
        ("MOOTHALL_WEBHOOKS_TO_LOOPBACK", "true"),
        ("MOOTHALL_TRUSTED_PROXIES", "10.0.0.1,0.0.0.0/0"),
        ("MOOTHALL_TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
        ("MOOTHALL_TRUSTED_PROXIES", "::/0"),
        ("MOOTHALL_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ],
)
def test_production_refuses_what_is_not_safe_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("MOOTHALL_ENVIRONMENT", "production")
    monkeypatch.setenv("MOOTHALL_SECRET_KEY", GOOD_SECRET)
    load()
    if value:
        monkeypatch.setenv(name, value)
    else:
        monkeypatch.delenv(name)
    with pytest.raises(SettingsError) as error:
        load()
    assert [problem.partition(":")[0] for problem in error.value.problems] == [name]


def test_no_secret_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOTHALL_SECRET_KEY", GOOD_SECRET)
    assert GOOD_SECRET not in repr(load())
    monkeypatch.setenv("MOOTHALL_SECRET_KEY", "too-short-canary")
    with pytest.raises(SettingsError) as error:
        load()
    assert "canary" not in str(error.value)


def test_the_password_of_the_mail_server_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOTHALL_SMTP_URL", "smtps://me:canary@mail.example")
    assert "canary" not in repr(load())


@pytest.mark.parametrize(
    ("given", "sender"),
    [
        ({}, "Moothall <no-reply@localhost>"),
        ({"PUBLIC_URL": "http://[::1]:8000"}, "Moothall <no-reply@localhost>"),
        ({"PUBLIC_URL": "https://club.example:8443", "SITE_NAME": " Our Club "}, "Our Club <no-reply@club.example>"),
        ({"PUBLIC_URL": "https://bücher.example"}, "Moothall <no-reply@xn--bcher-kva.example>"),
        ({"SMTP_FROM": "post@club.example"}, "post@club.example"),
        ({"SMTP_FROM": "<post@club.example>"}, "post@club.example"),
        ({"SMTP_FROM": "Our Club <post@Bücher.example>"}, "Our Club <post@xn--bcher-kva.example>"),
        ({"SMTP_FROM": '"Club, The" <post@intranet.local>'}, '"Club, The" <post@intranet.local>'),
        ({"SMTP_FROM": "Grüne e.V. <root@localhost>"}, '"Grüne e.V." <root@localhost>'),
    ],
)
def test_mails_come_from_whom_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sender: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"MOOTHALL_{name}", value)
    assert str(load().mail_sender) == sender


def test_a_secret_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    secret = load().secret()
    assert len(secret) >= 32
    kept = tmp_path / "moothall-data" / "secret.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert load().secret() == secret
    assert [path.name for path in kept.parent.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_agree_on_one_secret() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(load().secret())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
