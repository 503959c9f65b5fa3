"""`moothall mail`, and what `moothall doctor` says of mail."""

import email
from email import policy
from pathlib import Path

import pytest

from application.mail import TEMPLATES
from tests.entrypoints.cli.command import Moothall
from tests.smtp_server import HOST, Behaviour, self_signed, smtp_server

SECRET = "q8Vt2mZx9LwRk4Yp7NbHs3DfJc6GvTaE"


def test_all_mails_are_listed(moothall: Moothall) -> None:
    lines = moothall.good("mail", "list").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == list(TEMPLATES)
    assert lines[0] == "welcome\tWelcome to Moothall\tname,link"
    listed = moothall.good("--json", "mail", "list").json
    assert {mail["name"]: tuple(mail["values"]) for mail in listed} == TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_mail_can_be_looked_at(moothall: Moothall, name: str, language: str) -> None:
    plain = moothall.good("mail", "preview", name, "--language", language)
    html = moothall.good("mail", "preview", name, "--language", language, "--html")
    both = moothall.good("--json", "mail", "preview", name, "--language", language).json
    assert both == {"name": name, "subject": both["subject"], "plain": plain.out, "html": html.out}
    assert plain.err == html.err == f"Subject: {both['subject']}\n"
    assert f'<html lang="{language}"' in html.out
    assert "<" not in plain.out


def test_looking_at_a_mail_makes_no_database(moothall: Moothall) -> None:
    moothall.good("mail", "preview", "welcome")
    assert list(moothall.home.iterdir()) == []


def test_settings_say_the_language_and_the_name(moothall: Moothall) -> None:
    moothall.setting(MAIL_LANGUAGE="de", SITE_NAME="Ruderklub", PUBLIC_URL="https://klub.example")
    shown = moothall.good("mail", "preview", "welcome")
    assert "Willkommen bei Ruderklub" in shown.err
    assert "https://klub.example/" in shown.out


def test_templates_of_ones_own_come_first(moothall: Moothall) -> None:
    folder = moothall.home / "mails" / "en"
    folder.mkdir(parents=True)
    (folder / "welcome.j2").write_text(
        '{% extends "layout.j2" %}{% block subject %}Ahoy{% endblock %}{% block body %}Hi {{ name }}!{% endblock %}'
    )
    moothall.setting(MAIL_TEMPLATES=str(moothall.home / "mails"))
    shown = moothall.good("mail", "preview", "welcome")
    assert shown.err == "Subject: Ahoy\n"
    assert shown.out.startswith("Hi Ada Lovelace!\n")
    assert "Choose a new password" in moothall.good("mail", "preview", "reset-password").out


def test_what_is_not_there_is_told(moothall: Moothall) -> None:
    missing = moothall("--json", "mail", "preview", "wellcome")
    assert (missing.code, missing.error["code"]) == (3, "mail-not-found")
    language = moothall("mail", "preview", "welcome", "--language", "../en")
    assert language.code == 2
    assert language.err.startswith("error: --language: ")


@pytest.mark.parametrize("words", [("mail", "list"), ("users", "list"), ("mail", "test", "ada@example.com")])
def test_an_unknown_language_stops_the_start_by_name(moothall: Moothall, words: tuple[str, ...]) -> None:
    moothall.setting(MAIL_LANGUAGE="tlh")
    outcome = moothall(*words)
    assert outcome.code == 2
    assert "MOOTHALL_MAIL_LANGUAGE: there are no mails in 'tlh', only in de, en" in outcome.err


@pytest.mark.parametrize("source", [None, "{% block subject %}", "{{ secret }}"])
def test_a_template_that_is_not_good_stops_the_start_by_name(moothall: Moothall, source: str | None) -> None:
    folder = moothall.home / "mails"
    if source is not None:
        (folder / "en").mkdir(parents=True)
        (folder / "en" / "welcome.j2").write_text(source)
    moothall.setting(MAIL_TEMPLATES=str(folder))
    outcome = moothall("users", "list")
    assert outcome.code == 2
    assert "MOOTHALL_MAIL_TEMPLATES: " in outcome.err


def test_a_test_mail_is_written_to_a_file_without_a_mail_server(moothall: Moothall) -> None:
    said = moothall.good("mail", "test", "ada@example.com").err
    folder = moothall.home / "moothall-data" / "mails"
    assert f"written into {folder}" in said
    [path] = folder.iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Moothall <no-reply@localhost>"


def test_a_test_mail_arrives(moothall: Moothall) -> None:
    with smtp_server(moothall.home / "mails") as server:
        moothall.setting(SMTP_URL=server.url, SMTP_FROM="Our Club <post@club.example>")
        for _ in range(2):
            moothall.good("mail", "test", "ada@example.com")
        first, second = server.messages()
    assert first["From"] == "Our Club <post@club.example>"
    assert first["Subject"] == "Welcome to Moothall"
    assert first["Message-ID"] != second["Message-ID"]


def test_a_test_mail_that_does_not_go_out_is_told(moothall: Moothall) -> None:
    moothall.setting(SMTP_URL=f"smtp://{HOST}:1")
    away = moothall("--json", "mail", "test", "ada@example.com")
    assert (away.code, away.error["code"]) == (9, "mail-unavailable")
    with smtp_server(moothall.home / "mails", behaviour=Behaviour(recipient="550 5.1.1 no")) as server:
        moothall.setting(SMTP_URL=server.url)
        refused = moothall("--json", "mail", "test", "ada@example.com")
        nonsense = moothall("--json", "mail", "test", "ada@example.com\r\nBcc: x@example.com")
    assert (refused.code, refused.error["code"]) == (7, "mail-refused")
    assert (nonsense.code, nonsense.error["code"]) == (7, "mail-refused")


# doctor


def _said(moothall: Moothall) -> tuple[str, str]:
    [found] = [finding for finding in moothall("--json", "doctor").json if finding["check"] == "mail"]
    return found["status"], f"{found['detail']}; {found['advice']}"


def test_doctor_says_where_files_go(moothall: Moothall) -> None:
    status, text = _said(moothall)
    assert (status, text) == ("ok", f"mails go to files in {moothall.home}/moothall-data/mails; ")


def test_doctor_warns_of_files_in_production(moothall: Moothall) -> None:
    moothall.setting(ENVIRONMENT="production", SECRET_KEY=SECRET, BCRYPT_COST="10")
    status, text = _said(moothall)
    assert status == "warning"
    assert "set MOOTHALL_SMTP_URL" in text


def test_doctor_asks_the_mail_server(moothall: Moothall) -> None:
    with smtp_server(moothall.home / "mails", behaviour=Behaviour(login=("moot", "s3cret"))) as server:
        moothall.setting(SMTP_URL=f"smtp://moot:s3cret@{HOST}:{server.port}")
        assert _said(moothall) == ("ok", f"mails go to the mail server {HOST}:{server.port}; ")
        moothall.setting(SMTP_URL=f"smtp://moot:wr0ng@{HOST}:{server.port}")
        status, text = _said(moothall)
        assert server.messages() == []
    assert status == "failed"
    assert "refused the user or the password" in text
    assert "wr0ng" not in text
    status, text = _said(moothall)
    assert status == "failed"
    assert "cannot be reached" in text


def test_doctor_finds_a_certificate_that_nobody_trusts(moothall: Moothall, tmp_path: Path) -> None:
    behaviour = Behaviour(certificate=self_signed(tmp_path))
    with smtp_server(moothall.home / "mails", behaviour=behaviour) as server:
        moothall.setting(SMTP_URL=f"smtp+starttls://{HOST}:{server.port}")
        status, text = _said(moothall)
    assert status == "failed"
    assert "not trusted" in text


def test_doctor_finds_templates_that_are_not_good(moothall: Moothall) -> None:
    moothall.setting(MAIL_TEMPLATES="nowhere")
    outcome = moothall("--json", "doctor")
    assert outcome.code == 1
    [found] = [check for check in outcome.json if check["check"] == "mail"]
    assert found["status"] == "failed"
    assert "MOOTHALL_MAIL_TEMPLATES: nowhere is not a folder" in found["detail"]


def test_no_password_of_the_mail_server_is_shown(moothall: Moothall) -> None:
    moothall.setting(SMTP_URL=f"smtp://moot:hunter2@{HOST}:1")
    for words in (["config", "show"], ["--json", "config", "show"], ["doctor"], ["mail", "test", "a@example.com"]):
        outcome = moothall(*words)
        assert "hunter2" not in outcome.out + outcome.err
