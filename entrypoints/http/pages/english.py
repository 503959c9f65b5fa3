"""The pages in English."""

from entrypoints.http.pages.texts import Saying, Texts

_NO_GOOD_LINK = "This link does not work"
_WHY = "It was used already, is too old, was replaced by a newer one, or is not complete."
_PATIENCE = "If nothing has come after a few minutes, look into the spam folder, or ask again."

ENGLISH = Texts(
    language="en",
    error="Error",
    home=Saying(
        "Welcome",
        ("This is where the accounts of members are kept. To sign in, open the site or the app that you use.",),
    ),
    verify=Saying(
        "Confirm your e-mail address",
        ("Press the button to confirm that the address is yours.",),
        "Confirm the address",
    ),
    verified=Saying("The address is confirmed", ("Thank you. You can close this page, and sign in as usual.",)),
    ask_for_verification=Saying(
        "Confirm your e-mail address",
        ("Enter your address, and we will mail you a link that confirms it.",),
        "Send the link",
    ),
    verification_asked=Saying(
        "Look into your mailbox",
        ("If an account has this address, and it is not confirmed yet, a link is on its way.", _PATIENCE),
    ),
    bad_verification_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "If your address is confirmed already, there is nothing left to do. If you wanted to change your address, "
            "ask for that once more in your account. Otherwise, we will mail you a new link:",
        ),
        "Send a new link",
    ),
    email_taken=Saying(
        "Another account has this address",
        (
            "Your own account keeps the address that it had.",
            "Sign in to the account that has this address, or choose another address in your account.",
        ),
    ),
    reset=Saying(
        "Choose a new password",
        ("You will be signed out everywhere, and can sign in again with the new password.",),
        "Set the password",
    ),
    was_reset=Saying(
        "Your new password is set",
        ("You are signed out everywhere. You can close this page, and sign in with the new password.",),
    ),
    ask_for_reset=Saying(
        "Choose a new password",
        ("Enter the e-mail address of your account, and we will mail you a link.",),
        "Send the link",
    ),
    reset_asked=Saying("Look into your mailbox", ("If an account has this address, a link is on its way.", _PATIENCE)),
    bad_reset_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "If you have just set your new password, sign in with it. Otherwise, we will mail you a new link:",
        ),
        "Send a new link",
    ),
    accept=Saying(
        "Accept the invitation",
        ("Choose a password for your account. Names are up to you.",),
        "Accept the invitation",
    ),
    accepted=Saying(
        "Welcome",
        ("Your account is ready. You can close this page, and sign in with your e-mail address and the password.",),
    ),
    invitation_needed=Saying(
        "The link of your invitation is needed",
        (
            "Open the link in the mail that invited you. If you copy it, copy all of it.",
            "If you do not find the mail, ask who invited you to do it again.",
        ),
    ),
    bad_invitation_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "If you have accepted the invitation already, sign in as usual. Otherwise, ask who invited you to do it "
            "again.",
        ),
    ),
    malformed=Saying(
        "This could not be read", ("Nothing was changed. Go back and try again, or open the link in the mail anew.",)
    ),
    too_large=Saying("This is too much", ("Nothing was changed. Go back, and enter less.",)),
    broken=Saying(
        "Something went wrong on our side",
        ("Go back and try again later. If it stays like this, tell who runs this site: {request_id}",),
    ),
    ask_again="Ask again",
    choose_password="Choose a new password",  # noqa: S106
    email="E-mail address",
    password="Password",  # noqa: S106
    new_password="New password",  # noqa: S106
    username="Username",
    first_name="First name",
    last_name="Last name",
    optional="(optional)",
    password_hint="At least {shortest} characters. A few words that have nothing to do with each other are good.",  # noqa: S106
    letters_and_digits="A letter and a digit have to be among them.",
    username_hint="3 to 50 letters (a to z), digits or _.",
    try_later="This cannot be done right now. Nothing was changed; wait a moment, and try again.",
    try_again="Something else was changed at the same moment. Try again.",
    refusals={
        "bad-email": "Enter a whole e-mail address, such as name@example.com.",
        "bad-username": "A username has 3 to 50 letters (a to z), digits or _.",
        "username-taken": "Somebody else has this username. Choose another one.",
        "text-too-long": "This is too long; 100 characters are the most.",
        "control-characters": "This may not hold line breaks or control characters.",
    },
    password_refused="This password is not taken. Choose another one.",  # noqa: S106
    password_reasons=None,
)
