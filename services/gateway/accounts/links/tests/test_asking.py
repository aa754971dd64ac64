import pytest

from libs.common.errors import Rejected
from libs.common.store.jobs.new_job import NewJob
from services.gateway.accounts.jobs import FORGET_LINK
from services.gateway.accounts.links.asking import link_asked, links_of
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.kernel.limits import AccountPolicy


def test_without_a_key_there_are_no_links():
    with pytest.raises(Rejected, match="sends no mail"):
        links_of(AccountPolicy())


@pytest.mark.parametrize(
    ("mailed", "kinds"), [(True, {"decide_mail", "forget_link"}), (False, {"forget_link"})]
)
def test_a_link_is_forgotten_and_perhaps_mailed(mailed, kinds):
    link = LinkRequest(purpose="reset", address="ada@example.org").row()
    effects = link_asked(link, mailed=mailed)
    jobs = [effect for effect in effects if isinstance(effect, NewJob)]
    assert {job.kind for job in jobs} == kinds
    [forgotten] = [job for job in jobs if job.kind == FORGET_LINK.name]
    assert forgotten.delay_ms == 3_600_000
