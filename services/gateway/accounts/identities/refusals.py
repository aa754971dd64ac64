"""Why somebody is not let in who comes from another site, in words that quote nobody."""

from typing import Literal

from libs.common.errors import Permanent

Reason = Literal[
    "unknown_flow",
    "other_browser",
    "declined",
    "bad_answer",
    "no_session",
    "unverified_address",
    "sign_up_closed",
    "disabled",
    "other_mailbox",
    "other_identity",
    "somebody_elses",
    "too_many",
]

SENTENCES: dict[Reason, str] = {
    "unknown_flow": "This login was finished already, or took too long. Begin again.",
    "other_browser": "This login began in another browser, or before a later one. Begin again.",
    "declined": "The other site did not let you in, or you did not want it to.",
    "bad_answer": "The other site gave no answer that proves who you are. Try again in a while.",
    "no_session": (
        "You are no longer logged in as the person who began this. Log in, and begin again."
    ),
    "unverified_address": (
        "The other site does not say that your mail address is confirmed, so no account can be "
        "found or made by it. Confirm it there, or log in here and link the other site."
    ),
    "sign_up_closed": (
        "You have no account here, and not everybody may register. Ask who runs the site to invite "
        "you with your mail address."
    ),
    "disabled": "This account is closed for now. Ask who runs the site.",
    "other_mailbox": (
        "There is an account here whose mail address can be taken for yours, so no other is made."
    ),
    "other_identity": (
        "The account of your mail address is linked to somebody else at the other site. Log in as "
        "before, and link this one."
    ),
    "somebody_elses": "Who you are at the other site is linked to another account here.",
    "too_many": "This account is linked to as many others as it can be. Remove one first.",
}


class LoginRefused(Permanent):
    """Somebody who comes from another site is not let in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason: Reason = reason


class BadAnswer(LoginRefused):
    """The other site said nothing that proves anything; ``why`` is for logs, and quotes nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(reason="bad_answer")
        self.why = why
