"""What mails about accounts say. What they quote is foreign: one line, of limited length."""

from collections.abc import Callable, Mapping

from libs.common.contracts.accounts import MailKind
from libs.common.contracts.details import MailDetails
from services.notifier.channels.texts import MailText, one_line

MAX_CHARACTERS_OF_ADDRESS = 320
NOT_YOU = "If that was not you, you need not do anything: nothing changes without this link."
NOT_YOU_EITHER = (
    "If that was not you, reset your password now, and look at the sessions, tokens and linked "
    "sites of your account."
)
Words = Callable[[str, str], tuple[str, ...]]
"""The link and the address it is about in, the subject and the paragraphs out."""


def account_mail_text(kind: MailKind, details: MailDetails, link: str | None) -> MailText:
    """Return what a mail of a ``kind`` says; ``link`` is that of the mail, if the kind has one."""
    about = one_line(details.about_address or details.address)[:MAX_CHARACTERS_OF_ADDRESS]
    subject, *paragraphs = _WORDS[kind](link or "", about)
    return MailText(subject, "\n\n".join(paragraphs) + "\n")


def has_link(kind: MailKind) -> bool:
    """Tell whether mails of a ``kind`` have a link that is good for something."""
    return kind in _WITH_LINK


_WITH_LINK = {"verify_address", "reset_password", "address_added", "invitation"}


def _verify_address(link: str, about: str) -> tuple[str, ...]:
    return (
        "Confirm your mail address",
        f"Somebody, most likely you, registered at Lectern with {about}.",
        f"To confirm that it is yours, open this page and press the button:\n{link}",
        "The link is good for three days, and once.",
        NOT_YOU,
    )


def _already_registered(_link: str, about: str) -> tuple[str, ...]:
    return (
        "You have an account already",
        f"Somebody, most likely you, wanted to use {about} at Lectern, where it belongs to an "
        "account already.",
        "Log in with it. If you do not know the password any more, ask for a new one there.",
        "If that was not you, you need not do anything: nothing has changed.",
    )


def _reset_password(link: str, about: str) -> tuple[str, ...]:
    return (
        "Choose a new password",
        f"Somebody, most likely you, asked for a new password of the Lectern account of {about}.",
        f"To choose one, open this page:\n{link}",
        "The link is good for an hour, and once.",
        NOT_YOU,
    )


def _address_added(link: str, about: str) -> tuple[str, ...]:
    return (
        "Confirm another mail address",
        f"{about} was added to an account at Lectern.",
        f"To confirm that it is yours, open this page and press the button:\n{link}",
        "The link is good for three days, and once.",
        NOT_YOU,
    )


def _address_confirmed(_link: str, about: str) -> tuple[str, ...]:
    return (
        "A mail address was added",
        f"{about} belongs to your account at Lectern from now on, and you can log in with it.",
        NOT_YOU_EITHER,
    )


def _address_changed(_link: str, about: str) -> tuple[str, ...]:
    return (
        "Your mail address was changed",
        f"From now on, we write to {about} about your account at Lectern.",
        NOT_YOU_EITHER,
    )


def _password_changed(_link: str, about: str) -> tuple[str, ...]:
    return (
        "Your password was changed",
        f"The password of the account of {about} at Lectern was changed. All other sessions have "
        "ended, and after a reset all tokens, too.",
        NOT_YOU_EITHER,
    )


def _login_added(_link: str, about: str) -> tuple[str, ...]:
    return (
        "A way to log in was added",
        f"Somebody can log in to the account of {about} at Lectern with an account at another site "
        "from now on.",
        "If that was not you, remove it from the logins of your account, and reset your password.",
    )


def _login_removed(_link: str, about: str) -> tuple[str, ...]:
    return (
        "A way to log in was removed",
        f"Nobody can log in to the account of {about} at Lectern any more with one of the accounts "
        "at other sites that it was linked to.",
        NOT_YOU_EITHER,
    )


def _invitation(link: str, about: str) -> tuple[str, ...]:
    return (
        "You are invited to Lectern",
        f"{about} is invited to Lectern, where documents become audio.",
        f"To choose a password and begin, open this page:\n{link}",
        "The link is good for three days, and once.",
    )


_WORDS: Mapping[MailKind, Words] = {
    "verify_address": _verify_address,
    "already_registered": _already_registered,
    "reset_password": _reset_password,
    "address_added": _address_added,
    "address_confirmed": _address_confirmed,
    "address_changed": _address_changed,
    "password_changed": _password_changed,
    "invitation": _invitation,
    "login_added": _login_added,
    "login_removed": _login_removed,
}
