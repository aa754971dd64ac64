"""The long work of accounts, declared: which mail a link becomes, and when its row goes."""

from uuid import UUID

from pydantic import BaseModel

from libs.common.processing.job_kind import JobKind
from libs.common.processing.time_limits import TimeLimits


class MailLinkJob(BaseModel):
    """About a row of ``mail_links``; whose it is, no job says."""

    mail_id: UUID

    @property
    def subject(self) -> str:
        """What jobs about the row are found by."""
        return f"mail_link/{self.mail_id}"


DECIDE_MAIL = JobKind(
    name="decide_mail",
    payload=MailLinkJob,
    limits=TimeLimits(soft_s=60, hard_s=90),
)
"""Find out which mail somebody is to be sent: after the answer, so that it tells nothing."""

FORGET_LINK = JobKind(
    name="forget_link",
    payload=MailLinkJob,
    limits=TimeLimits(soft_s=60, hard_s=90),
)
"""Remove the row of a link that has expired."""
