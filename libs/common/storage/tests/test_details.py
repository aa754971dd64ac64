from hashlib import sha256

import pytest

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, FailureDetails, PageText
from libs.common.errors import ObjectCorrupt, ObjectNotFound
from libs.common.storage.details import read_details
from libs.common.storage.memory import MemoryStorage

KEY = "documents/1/failures/1.json"
SAID = "What somebody wrote."


@pytest.fixture
def storage():
    return MemoryStorage()


def ref_of(data: bytes) -> ObjectRef:
    return ObjectRef(key=KEY, sha256=sha256(data).hexdigest(), size=len(data), media_type=DETAILS)


async def test_details_are_read_as_they_were_stored(storage):
    details = FailureDetails(reason=SAID)
    ref = await storage.write(KEY, details.encode(), DETAILS)
    assert ref.media_type == DETAILS
    assert await read_details(storage, ref, FailureDetails) == details


async def test_details_of_a_document_that_was_deleted_are_not_there(storage):
    ref = await storage.write(KEY, FailureDetails(reason=SAID).encode(), DETAILS)
    await storage.delete_prefix("documents/1/")
    with pytest.raises(ObjectNotFound):
        await read_details(storage, ref, FailureDetails)


async def test_what_is_not_what_was_referred_to_is_corrupt(storage):
    """Another object under the key, though it could be read, and as long as the first."""
    ref = await storage.write(KEY, FailureDetails(reason=SAID).encode(), DETAILS)
    await storage.write(KEY, FailureDetails(reason=SAID).encode(), DETAILS)
    with pytest.raises(ObjectCorrupt):
        await read_details(storage, ref, FailureDetails)


@pytest.mark.parametrize(
    "stored",
    [
        SAID.encode(),
        f'{{"reason": "{SAID}"'.encode(),
        f'["{SAID}"]'.encode(),
        f'{{"reason": ["{SAID}"]}}'.encode(),
        f'{{"sentence": "{SAID}"}}'.encode(),
        PageText(markdown=SAID, title=None).encode(),
        b"\xff" + SAID.encode(),
        b"",
    ],
)
async def test_what_cannot_be_read_is_corrupt_and_quotes_nothing(storage, stored):
    storage.objects[KEY] = stored
    with pytest.raises(ObjectCorrupt) as caught:
        await read_details(storage, ref_of(stored), FailureDetails)
    error = caught.value
    assert SAID not in str(error)
    assert error.__suppress_context__, "the error that is left out quotes what is stored"
