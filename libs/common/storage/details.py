"""Reading the details that an event refers to."""

from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import D
from libs.common.errors import Malformed, ObjectCorrupt
from libs.common.storage.port import Storage, read_verified


async def read_details(storage: Storage, ref: ObjectRef, kind: type[D]) -> D:
    """Return the details of a reference.

    Raises:
        ObjectNotFound: They are gone, as after a deletion.
        ObjectCorrupt: They are not what the reference promised.
        UnknownVersion: A newer release wrote them.
    """
    data = await read_verified(storage, ref)
    try:
        return kind.read(data)
    except Malformed as error:
        raise ObjectCorrupt(ref.key) from error
