from dataclasses import replace
from uuid import uuid4

import pytest

from services.gateway.documents.stored.storage_bounds import (
    StoredOfOwner,
    room_for_document,
    stored_of_owner,
)
from services.gateway.kernel.errors import QuotaExceeded


def test_room_is_what_is_left_and_no_byte_more(world):
    limits = replace(world.kernel.limits, max_documents_per_owner=3, max_stored_bytes_per_owner=100)
    stored = StoredOfOwner(documents=2, bytes=60)
    stored.check_room(limits, documents=1, size=40)
    with pytest.raises(QuotaExceeded, match="60 bytes, and this site keeps 100"):
        stored.check_room(limits, size=41)
    with pytest.raises(QuotaExceeded, match="2 documents, and this site allows 3"):
        stored.check_room(limits, documents=2)
    full = StoredOfOwner(documents=3, bytes=100)
    with pytest.raises(QuotaExceeded, match="there is no room for more"):
        full.check_room(limits)


def test_zero_is_no_limit(world):
    limits = replace(world.kernel.limits, max_documents_per_owner=0, max_stored_bytes_per_owner=0)
    StoredOfOwner(documents=10**9, bytes=10**15).check_room(limits, documents=1, size=10**15)


async def test_who_has_nothing_has_room_and_who_has_as_much_as_one_may_has_none(world):
    await world.hand_in()
    limits = replace(world.kernel.limits, max_documents_per_owner=1)
    async with world.database.transaction() as connection:
        assert await stored_of_owner(connection, uuid4()) == StoredOfOwner()
        assert (await stored_of_owner(connection, world.owner)).documents == 1
        assert await room_for_document(limits, uuid4(), 1)(connection) == []
        with pytest.raises(QuotaExceeded):
            await room_for_document(limits, world.owner, 1)(connection)
