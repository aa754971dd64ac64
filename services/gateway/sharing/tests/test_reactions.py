from sqlalchemy import select

from libs.common.contracts.accounts import UserAddressAdded, UserRegistered
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.sharing import ShareEnded
from services.gateway.documents.shares.commands import ShareCommands
from services.gateway.features import FEATURES
from services.gateway.sharing.reactions import REACTIONS
from services.gateway.sharing.tables import share_recipients
from services.gateway.sharing.tests.test_addressees import addresses
from services.gateway.sharing.tests.test_invitations import invite


def test_every_event_that_proves_an_address_is_followed():
    assert {UserRegistered, UserAddressAdded} < REACTIONS.keys()
    [sharing] = [feature for feature in FEATURES if feature.name == "sharing"]
    assert sharing.reactions is REACTIONS


async def test_whom_a_document_was_shared_with_is_forgotten_with_it(world):
    document = await world.hand_in()
    await invite(world, document, "bea@example.org")
    await world.documents.delete(world.owner, document)
    assert await world.decided(DocumentDeleted)
    assert await addresses(world, document) == frozenset()


async def test_nothing_is_kept_of_whom_a_share_was_for_that_has_ended(world):
    document = await world.hand_in()
    share_id = await invite(world, document, "bea@example.org")
    prefix = f"documents/{document}/shares/"
    assert len([key async for key in world.storage.keys(prefix)]) == 1
    await ShareCommands(world.kernel).revoke(world.owner, document, share_id)
    assert await world.decided(ShareEnded)
    assert await addresses(world, document) == frozenset()
    async with world.database.reading() as connection:
        rows = (await connection.execute(select(share_recipients))).all()
    assert rows == []
    assert [key async for key in world.storage.keys(prefix)] == []
