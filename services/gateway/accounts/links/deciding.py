"""Which mail a link becomes: decided by a job, so that no answer tells whether there is an account.

Whoever registers with an address that is somebody's, or asks for a new password of nobody's, gets
the same answer in the same time as all others. Who reads the mail learns more. And nobody's
mailbox is filled by others: after some mails of a purpose, further ones are dropped without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.accounts import MailKind
from libs.common.processing.job_kind import Job, JobRoute
from libs.common.store.effects import Effect
from services.gateway.accounts.jobs import DECIDE_MAIL, FORGET_LINK, MailLinkJob
from services.gateway.accounts.links.link_rows import (
    LinkRow,
    addressed_link,
    earlier_links,
    find_link,
    removed_link,
    used_link,
)
from services.gateway.accounts.telling.account_mails import AccountMail, AccountMails
from services.gateway.accounts.users import UserRow, known_address, user_at
from services.gateway.kernel.record import Kernel

MOST_LINKS = 5
"""Of one purpose and address, in the time that a link is good for."""


@dataclass(frozen=True)
class MailDecider:
    """Does the jobs of one kernel."""

    kernel: Kernel

    async def decide(self, job: Job[MailLinkJob]) -> Sequence[Effect]:
        """Ask for the mail, if there is one to be sent."""
        async with self.kernel.database.reading() as connection:
            link = await find_link(connection, job.payload.mail_id)
            holder = None if link is None else await user_at(connection, link.address)
            known = None if link is None else await known_address(connection, link.address)
            earlier = 0 if link is None else await earlier_links(connection, link)
        if link is None:
            return []
        if earlier >= MOST_LINKS:
            return [removed_link(link.mail_id)]
        kind, decided = _decided(link, holder)
        if kind is None:
            return decided
        mail = AccountMail(
            mail_id=link.mail_id,
            kind=kind,
            address=known or link.address,
            language=link.language,
            valid_until=datetime.fromisoformat(link.expires_at),
        )
        async with AccountMails(self.kernel).storing(mail) as effects:
            return [*effects, *decided]

    async def forget(self, job: Job[MailLinkJob]) -> Sequence[Effect]:
        """Remove the row of a link that has expired."""
        return [removed_link(job.payload.mail_id)]


def _decided(link: LinkRow, holder: UserRow | None) -> tuple[MailKind | None, Sequence[Effect]]:
    """Return which mail goes out, if any, and what becomes of the link."""
    useless = [removed_link(link.mail_id)]
    match link.purpose:
        case "invite":
            return "invitation", []
        case "reset":
            if holder is None or holder.disabled_at is not None:
                return None, useless
            return "reset_password", [addressed_link(link.mail_id, holder.user_id)]
        case _ if holder is not None:
            own = holder.user_id == link.user_id
            return (None, useless) if own else ("already_registered", [used_link(link.mail_id)])
        case "register":
            return "verify_address", []
        case _:
            return "address_added", []


def decide_mail_route(kernel: Kernel) -> JobRoute:
    """Return what decides mails."""
    return DECIDE_MAIL.done_by(MailDecider(kernel).decide, slots=2)


def forget_link_route(kernel: Kernel) -> JobRoute:
    """Return what removes links that have expired."""
    return FORGET_LINK.done_by(MailDecider(kernel).forget)
