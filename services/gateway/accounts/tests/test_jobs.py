from uuid import UUID

from services.gateway.accounts.jobs import DECIDE_MAIL, MailLinkJob


def test_a_job_says_which_link_and_not_whose():
    job = MailLinkJob(mail_id=UUID(int=7))
    assert job.subject == f"mail_link/{UUID(int=7)}"
    assert DECIDE_MAIL.read(job.model_dump_json().encode()) == job
    assert set(MailLinkJob.model_fields) == {"mail_id"}
