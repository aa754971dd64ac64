from libs.common.contracts.accounts import UserAddressAdded, UserRegistered
from libs.common.contracts.documents import DocumentDeleted
from services.gateway.features import FEATURES
from services.gateway.sharing.reactions import REACTIONS
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
