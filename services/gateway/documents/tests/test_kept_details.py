from uuid import uuid4

from sqlalchemy import select

from libs.common.contracts.details import ParsedDocument
from libs.common.store.effects import Together, apply
from services.gateway.documents.kept_details import (
    DetailsToKeep,
    details_row,
    forget_details,
    keep_details,
)
from services.gateway.documents.tables import document_details


async def kept(world):
    found = await world.database.fetch(select(document_details))
    return {row.key: (row.document_id, row.body, row.reason) for row in found}


async def test_the_last_that_was_said_is_kept(world):
    document = await world.hand_in()
    before = await kept(world)
    async with world.database.transaction() as connection:
        for reason in ("First.", "Second."):
            to_keep = DetailsToKeep(document_id=document, key="k", reason=reason)
            await apply(connection, keep_details(to_keep), None)
    assert await kept(world) == before | {"k": (str(document), None, "Second.")}


async def test_bodies_come_back_as_they_were(world):
    document = await world.hand_in()
    said = ParsedDocument(
        title="A name", author="\N{GREEK SMALL LETTER ALPHA}", chapters=(), cover=None, warnings=()
    )
    async with world.database.transaction() as connection:
        await apply(connection, [details_row(document, "k", body=said)], None)
    _, body, reason = (await kept(world))["k"]
    assert (ParsedDocument.model_validate(body), reason) == (said, None)


async def test_only_what_is_of_a_document_is_forgotten(world):
    first, second = await world.hand_in(), await world.hand_in()
    async with world.database.transaction() as connection:
        await forget_details(connection, [first])
    assert {document for document, _, _ in (await kept(world)).values()} == {str(second)}


async def test_owners_are_locked_before_anything_is_written_and_once_for_a_batch(world):
    """Locked in the middle of a batch, two batches and a deletion would wait for each other."""
    said = [
        effect
        for key in ("one", "two")
        for effect in keep_details(DetailsToKeep(document_id=uuid4(), key=key, reason="R"))
    ]
    assert all(isinstance(effect, Together) for effect in said)
    shared = [effect for effect in said if isinstance(effect, Together)]
    assert [effect.turn for effect in shared] == ["first", "middle"] * 2
    assert len({effect.step for effect in shared}) == 2
