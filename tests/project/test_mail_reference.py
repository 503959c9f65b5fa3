"""`docs/mail.md` names every mail with its values, every link with its page and its lifetime, and the mail settings."""

import re

from adapters.mail.smtp import SmtpServer
from application.identity.links import PAGES
from application.mail import TEMPLATES
from domain.identity.one_time_token import LIFETIMES, Purpose
from entrypoints.settings import PREFIX, Settings
from tests.project.places import REPOSITORY, read
from tests.project.test_background_reference import names, spoken

REFERENCE = "docs/mail.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table whose headings begin like this."""
    table = read(REFERENCE).split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_every_mail_and_the_values_of_its_template_are_named() -> None:
    assert {names(mail)[0]: names(values) for mail, _, values in rows("mail")} == dict(TEMPLATES)


def test_every_link_is_told_with_its_page_and_how_long_it_is_good() -> None:
    told = {names(purpose)[0]: (names(page)[0], lifetime) for purpose, page, lifetime in rows("purpose")}
    assert told == {purpose.value: (PAGES[purpose], spoken(LIFETIMES[purpose])) for purpose in Purpose}


def test_every_page_that_links_lead_to_is_explained() -> None:
    assert {names(page)[0] for page, _, _ in rows("page | with a token")} == set(PAGES.values())


def test_the_settings_exist_and_those_of_mails_are_all_there() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    told = {names(setting)[0] for setting, _ in rows("setting")}
    assert told <= known
    assert {name for name in known if name.startswith((f"{PREFIX}SMTP_", f"{PREFIX}MAIL_"))} <= told


def test_the_forms_of_a_mail_server_mean_what_it_says() -> None:
    for form, port, _ in rows("URL"):
        assert SmtpServer.of(names(form)[0].replace("…", "host")).port == int(port)


def test_its_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", read(REFERENCE)) if "://" not in link]
    assert links
    assert [link for link in links if not ((REPOSITORY / REFERENCE).parent / link).exists()] == []
