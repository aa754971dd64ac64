"""A document with everything that a document can have, and who may do what with it."""

from typing import Any
from uuid import UUID, uuid4

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.permissions import ShareLevel
from services.gateway.accounts.users import NewUser, create_user
from services.gateway.documents.public_links.commands import LinkCommands
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import World


async def account(world: World, user_id: UUID, address: str, *, is_staff: bool = False) -> None:
    """Make an account, of an owner who may have tokens and documents already."""
    async with world.database.transaction() as connection:
        new = NewUser(
            user_id=user_id,
            address=address,
            language="en",
            is_staff=is_staff,
            details_key=f"users/{user_id}/y.json",
        )
        await create_user(connection, new)


async def everything(world: World) -> dict[str, Any]:
    """The values of all that paths of the API name, of the world's owner, who has an account."""
    document = await world.hand_in()
    await world.read(document, 2)
    await world.segment(document, 1, "Hello there.")
    cover = await world.storage.write(f"documents/{document}/cover", b"picture", "image/png")
    await world.parse(document, 2, cover=cover)
    narration = await world.narrations.narrate(
        world.owner, document, NarrationOptions(audiobook="m4b")
    )
    await world.speak_everything()
    await account(world, world.owner, "owner@example.org")
    (book,) = await world.decided(AudiobookRequested)
    stored = await world.storage.write(f"audio/{document}/books/{book.audiobook_id}.m4b", b"book")
    await world.bind(book, object=stored)
    return {
        "document_id": document,
        "page": 1,
        "narration_id": narration,
        "audio_id": (await world.decided(AudioRequested))[0].audio_id,
        "audiobook_id": book.audiobook_id,
        "session_id": uuid4(),
        "token_id": uuid4(),
        "address_id": uuid4(),
        "identity_id": uuid4(),
        "user_id": uuid4(),
        "share_id": await shared(world, document, "ada@example.org", ShareLevel.VIEW_ONLY),
        "link_id": (await LinkCommands(world.kernel).make(world.owner, document, None, None))[0],
    }


async def shared(world: World, document: UUID, address: str, level: ShareLevel) -> UUID:
    """Have the owner share a document."""
    order = ShareOrder(address=address, level=level, expires_at=None, message=None)
    return await ShareCommands(world.kernel).grant(world.owner, document, order)
