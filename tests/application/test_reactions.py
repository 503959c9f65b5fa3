"""The table of what follows from what."""

from application.mail import TEMPLATES
from application.reactions import REACTIONS, Mails
from domain.events import Event


def test_every_event_has_reactions() -> None:
    assert set(REACTIONS) == set(Event.kinds.values())
    assert all(reactions or kind.subject is not None for kind, reactions in REACTIONS.items()), "or webhooks are told"


def test_no_two_reactions_have_the_same_name() -> None:
    """It is what a delivery is for, and stands in the Message-ID."""
    names = [reaction.name for reactions in REACTIONS.values() for reaction in reactions]
    assert len(names) == len(set(names))


def test_every_mail_is_sent_by_some_reaction() -> None:
    every = [reaction for reactions in REACTIONS.values() for reaction in reactions if isinstance(reaction, Mails)]
    mailed = {template for template in TEMPLATES for mails in every if mails.name.startswith(f"mail-{template}")}
    assert mailed == set(TEMPLATES)
