"""The pages in German."""

from entrypoints.http.pages.texts import Saying, Texts

_NO_GOOD_LINK = "Dieser Link funktioniert nicht"
_WHY = "Er wurde schon benutzt, ist zu alt, wurde durch einen neueren ersetzt oder ist unvollständig."
_PATIENCE = "Falls nach einigen Minuten nichts da ist, sehen Sie im Spam-Ordner nach oder fordern Sie den Link neu an."

GERMAN = Texts(
    language="de",
    error="Fehler",
    home=Saying(
        "Willkommen",
        (
            "Hier werden die Konten der Mitglieder geführt. Zum Anmelden öffnen Sie die Seite oder die App, für die "
            "Sie Ihr Konto haben.",
        ),
    ),
    verify=Saying(
        "E-Mail-Adresse bestätigen",
        ("Bestätigen Sie mit der Schaltfläche, dass es Ihre Adresse ist.",),
        "Adresse bestätigen",
    ),
    verified=Saying(
        "Die Adresse ist bestätigt",
        ("Vielen Dank. Sie können diese Seite schließen und sich wie gewohnt anmelden.",),
    ),
    ask_for_verification=Saying(
        "E-Mail-Adresse bestätigen",
        ("Geben Sie Ihre Adresse ein. Wir schicken Ihnen einen Link, mit dem Sie sie bestätigen.",),
        "Link schicken",
    ),
    verification_asked=Saying(
        "Sehen Sie in Ihr Postfach",
        ("Falls ein Konto diese Adresse hat und sie noch nicht bestätigt ist, ist ein Link unterwegs.", _PATIENCE),
    ),
    bad_verification_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "Falls Ihre Adresse schon bestätigt ist, bleibt nichts zu tun. Falls Sie Ihre Adresse ändern wollten, "
            "stoßen Sie das in Ihrem Konto noch einmal an. Sonst schicken wir Ihnen einen neuen Link:",
        ),
        "Neuen Link schicken",
    ),
    email_taken=Saying(
        "Ein anderes Konto hat diese Adresse",
        (
            "Ihr eigenes Konto behält die Adresse, die es hatte.",
            "Melden Sie sich bei dem Konto an, das diese Adresse hat, oder wählen Sie in Ihrem Konto eine andere.",
        ),
    ),
    reset=Saying(
        "Neues Passwort festlegen",
        ("Sie werden überall abgemeldet und können sich mit dem neuen Passwort wieder anmelden.",),
        "Passwort festlegen",
    ),
    was_reset=Saying(
        "Ihr neues Passwort gilt",
        ("Sie sind überall abgemeldet. Sie können diese Seite schließen und sich mit dem neuen Passwort anmelden.",),
    ),
    ask_for_reset=Saying(
        "Neues Passwort festlegen",
        ("Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wir schicken Ihnen einen Link.",),
        "Link schicken",
    ),
    reset_asked=Saying(
        "Sehen Sie in Ihr Postfach", ("Falls ein Konto diese Adresse hat, ist ein Link unterwegs.", _PATIENCE)
    ),
    bad_reset_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "Falls Sie Ihr neues Passwort gerade festgelegt haben, melden Sie sich damit an. Sonst schicken wir Ihnen "
            "einen neuen Link:",
        ),
        "Neuen Link schicken",
    ),
    accept=Saying(
        "Einladung annehmen",
        ("Wählen Sie ein Passwort für Ihr Konto. Namen können Sie angeben, müssen es aber nicht.",),
        "Einladung annehmen",
    ),
    accepted=Saying(
        "Willkommen",
        (
            "Ihr Konto ist bereit. Sie können diese Seite schließen und sich mit Ihrer E-Mail-Adresse und dem Passwort "
            "anmelden.",
        ),
    ),
    invitation_needed=Saying(
        "Der Link aus Ihrer Einladung fehlt",
        (
            "Öffnen Sie den Link in der Mail mit der Einladung. Wenn Sie ihn kopieren, kopieren Sie ihn ganz.",
            "Falls Sie die Mail nicht finden, lassen Sie sich noch einmal einladen.",
        ),
    ),
    bad_invitation_link=Saying(
        _NO_GOOD_LINK,
        (
            _WHY,
            "Falls Sie die Einladung schon angenommen haben, melden Sie sich wie gewohnt an. Sonst lassen Sie sich "
            "noch einmal einladen.",
        ),
    ),
    malformed=Saying(
        "Das ließ sich nicht lesen",
        (
            "Es wurde nichts geändert. Gehen Sie zurück und versuchen Sie es noch einmal, oder öffnen Sie den Link in "
            "der Mail neu.",
        ),
    ),
    too_large=Saying("Das ist zu viel", ("Es wurde nichts geändert. Gehen Sie zurück und geben Sie weniger ein.",)),
    broken=Saying(
        "Bei uns ist etwas schiefgegangen",
        (
            "Gehen Sie zurück und versuchen Sie es später noch einmal. Falls es so bleibt, nennen Sie denen, die diese "
            "Seite betreiben: {request_id}",
        ),
    ),
    ask_again="Neu anfordern",
    choose_password="Neues Passwort festlegen",  # noqa: S106
    email="E-Mail-Adresse",
    password="Passwort",  # noqa: S106
    new_password="Neues Passwort",  # noqa: S106
    username="Benutzername",
    first_name="Vorname",
    last_name="Nachname",
    optional="(freiwillig)",
    password_hint="Mindestens {shortest} Zeichen. Gut sind ein paar Wörter, die nichts miteinander zu tun haben.",  # noqa: S106
    letters_and_digits="Ein Buchstabe und eine Ziffer müssen dabei sein.",
    username_hint="3 bis 50 Buchstaben (a bis z), Ziffern oder _.",
    try_later="Das geht gerade nicht. Es wurde nichts geändert; warten Sie kurz und versuchen Sie es noch einmal.",
    try_again="Im selben Augenblick wurde etwas anderes geändert. Versuchen Sie es noch einmal.",
    refusals={
        "bad-email": "Geben Sie eine vollständige E-Mail-Adresse ein, etwa name@example.com.",
        "bad-username": "Ein Benutzername hat 3 bis 50 Buchstaben (a bis z), Ziffern oder _.",
        "username-taken": "Diesen Benutzernamen hat schon jemand. Wählen Sie einen anderen.",
        "text-too-long": "Das ist zu lang; höchstens 100 Zeichen sind möglich.",
        "control-characters": "Das darf keine Zeilenumbrüche oder Steuerzeichen enthalten.",
    },
    password_refused="Dieses Passwort wird nicht angenommen. Wählen Sie ein anderes.",  # noqa: S106
    password_reasons=(
        (
            r"The password has (\d+) characters; it needs (\d+) at least\.",
            r"Das Passwort ist zu kurz (\1); mindestens \2 Zeichen sind nötig.",
        ),
        (r"The password may have (\d+) characters at most\.", r"Das Passwort darf höchstens \1 Zeichen haben."),
        (
            r"The password may not hold control characters\.",
            r"Das Passwort darf keine Steuerzeichen enthalten.",
        ),
        (
            r"The password is made of your own name, username or e-mail address\.",
            r"Das Passwort besteht aus Ihrem Namen, Benutzernamen oder Ihrer E-Mail-Adresse.",
        ),
        (
            r"The password needs a letter and a digit at least\.",
            r"Das Passwort braucht mindestens einen Buchstaben und eine Ziffer.",
        ),
        (
            r"The password is too easy to guess\..*",
            r"Das Passwort ist zu leicht zu erraten. Fügen Sie noch ein oder zwei Wörter hinzu.",
        ),
    ),
)
