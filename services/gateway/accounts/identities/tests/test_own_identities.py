from uuid import UUID, uuid4

import pytest

from libs.common.errors import Rejected
from services.gateway.accounts.identities.identity_rows import link_identity
from services.gateway.accounts.identities.own_identities import OwnIdentities
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.tests.people import ADA
from services.gateway.kernel.errors import NotFound

pytestmark = pytest.mark.slow


async def test_the_last_way_in_stays(visitors):
    """A site that the settings do not name any more lets nobody in."""
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        own = OwnIdentities(visitors.world.kernel, UUID(await visitors.whose(browser)))
        (first,) = await own.all()
        with pytest.raises(Rejected, match="nothing else"):
            await own.unlink(first.identity_id)
        gone = ProvenIdentity(issuer="https://gone.example", subject="7", address=None)
        async with visitors.world.database.transaction() as connection:
            await link_identity(connection, gone, own.user_id)
        with pytest.raises(Rejected):
            await own.unlink(first.identity_id)
        await visitors.log_in(browser, "github")
        await own.unlink(first.identity_id)
    assert first not in await own.all()
    assert [mail.kind for mail in await visitors.people.mails()] == ["login_added", "login_removed"]


async def test_who_has_a_password_may_unlink_all(visitors):
    async with visitors.people.browser() as browser:
        user = await visitors.people.make(browser)
        await visitors.log_in(browser)
    own = OwnIdentities(visitors.world.kernel, user)
    (only,) = await own.all()
    await own.unlink(only.identity_id)
    assert await own.all() == []
    last = (await visitors.people.mails())[-1]
    assert (last.kind, last.address) == ("login_removed", ADA)
    for who, what in ((own, only.identity_id), (own, uuid4())):
        with pytest.raises(NotFound):
            await who.unlink(what)


async def test_nobody_unlinks_what_is_somebody_elses(visitors):
    async with visitors.people.browser() as browser:
        await visitors.log_in(browser)
        bea = await visitors.people.make(browser, "bea@example.org")
        ada = OwnIdentities(visitors.world.kernel, UUID(await visitors.whose(browser)))
    (identity,) = await ada.all()
    for stranger in (bea, uuid4()):
        with pytest.raises(NotFound):
            await OwnIdentities(visitors.world.kernel, stranger).unlink(identity.identity_id)
    assert await ada.all() == [identity]
