"""Asking for a link in a mail: the same work whoever asks, and whatever comes of it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.errors import Rejected
from libs.common.mail_links import MailLinks
from libs.common.store.effects import Effect, Step
from services.gateway.accounts.jobs import DECIDE_MAIL, FORGET_LINK, MailLinkJob
from services.gateway.accounts.links.link_rows import LinkRow, add_link
from services.gateway.kernel.limits import AccountPolicy


def links_of(policy: AccountPolicy) -> MailLinks:
    """Return what makes and checks the links of an installation.

    Raises:
        Rejected: It has no key for them.
    """
    if policy.links is None:
        raise Rejected("no_mail", "This installation sends no mail; ask who runs it.")
    return policy.links


def link_asked(link: LinkRow, *, mailed: bool = True) -> list[Effect]:
    """Return the effects of making a link, which goes out in a mail if ``mailed``."""
    job = MailLinkJob(mail_id=link.mail_id)
    forgotten_ms = int(link.left.total_seconds() * 1000)
    effects: list[Effect] = [
        _added(link),
        FORGET_LINK.new(job, subject=job.subject, delay_ms=forgotten_ms),
    ]
    return [*effects, DECIDE_MAIL.new(job, subject=job.subject)] if mailed else effects


def _added(link: LinkRow) -> Step:
    async def step(connection: AsyncConnection) -> Sequence[Effect]:
        await add_link(connection, link)
        return []

    return step
