"""What a mail about a share says. What it quotes is foreign: of limited length, and marked as such.

Everything is plain text. The lines of a message are quoted one by one, so that none of them can be
taken for words of ours.
"""

from collections.abc import Mapping

from libs.common.contracts.details import MAX_MESSAGE_CHARACTERS, ShareMailDetails
from libs.common.contracts.permissions import ShareLevel
from services.notifier.channels.account_texts import MAX_CHARACTERS_OF_ADDRESS
from services.notifier.channels.texts import MAX_CHARACTERS_OF_TITLE, MailText, one_line

MOST_LINES = 100
SOMEBODY = "Somebody"
_LEVELS: Mapping[ShareLevel, str] = {
    ShareLevel.VIEW_ONLY: "You may read it and listen to it.",
    ShareLevel.COLLABORATOR: "You may read it, listen to it, and have more of it spoken.",
    ShareLevel.CAN_SHARE: "You may read it, listen to it, edit it, and share it with others.",
}


def share_mail_text(details: ShareMailDetails, link: str | None) -> MailText:
    """Return what a mail about a share says.

    ``link`` is the page of the document for who has an account, the one that registers for who was
    invited; None where there is none.
    """
    sharer = one_line(details.shared_by or SOMEBODY)[:MAX_CHARACTERS_OF_ADDRESS]
    title = one_line(details.title)[:MAX_CHARACTERS_OF_TITLE]
    paragraphs = [
        f"{sharer} shared “{title}” with you at Lectern, where documents become audio.",
        _LEVELS[details.level],
        *_quoted(details.message),
        *_way_in(details, link),
    ]
    return MailText(f"{sharer} shared “{title}” with you", "\n\n".join(paragraphs) + "\n")


def _quoted(message: str | None) -> tuple[str, ...]:
    lines = (message or "")[:MAX_MESSAGE_CHARACTERS].strip().splitlines()[:MOST_LINES]
    if not lines:
        return ()
    return ("\n".join(["They write:", *(f"> {one_line(line)}".rstrip() for line in lines)]),)


def _way_in(details: ShareMailDetails, link: str | None) -> tuple[str, ...]:
    about = one_line(details.address)[:MAX_CHARACTERS_OF_ADDRESS]
    if details.audience == "user":
        return ("Log in to open it." if link is None else f"To open it, log in here:\n{link}",)
    if details.audience == "invited" and link is not None:
        return (
            f"You have no account yet. To choose a password and begin, open this page:\n{link}",
            "The link is good for three days, and once.",
        )
    return (f"To open it, you need an account with the address {about}; ask for one.",)
