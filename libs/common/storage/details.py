"""Reading the details that an event refers to."""

from pydantic import ValidationError

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import D
from libs.common.errors import ObjectCorrupt
from libs.common.storage.port import Storage, read_verified


async def read_details(storage: Storage, ref: ObjectRef, kind: type[D]) -> D:
    """Return the details of a reference.

    Raises:
        ObjectNotFound: They are gone, as after a deletion.
        ObjectCorrupt: They are not what the reference promised.
    """
    data = await read_verified(storage, ref)
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise ObjectCorrupt(ref.key) from None  # the error would quote what is stored
