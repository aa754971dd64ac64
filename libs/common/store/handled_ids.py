"""Which old events were handled: their ids, 120 in a row, in place of a row for each.

History may be sent again whenever somebody wants it, so an id is never forgotten. It takes 17 bytes
here. Packs are ordered by ids and never overlap, so each id has one pack that it may be in. Ids
begin with the moment at which they were made (RFC 9562, UUIDv7), which says whether to look here at
all; one that does not is looked for, and found, like any other.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from time import time
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.advisory_locks import lock_all
from libs.common.database.arrays import values_of
from libs.common.store.tables import handled, inbox, now_ms

DAY_MS = 24 * 60 * 60 * 1000
KEEP_MS = 2 * DAY_MS
"""Ids that are younger have rows of their own; what is known of an event does not depend on it."""
LOOK_AFTER_MS = DAY_MS
"""Ids that are younger are not looked for in packs. The rest of ``KEEP_MS`` is for clocks that
differ between the servers."""
IDS_PER_PACK = 120
"""Of 16 bytes: four rows fill a page of PostgreSQL, and none is moved out of the table (TOAST)."""
IDS_AT_ONCE = 1000
ID_BYTES = 16


async def handled_before(
    connection: AsyncConnection, consumer: str, event_ids: Collection[str]
) -> set[str]:
    """Return which of some events a consumer handled so long ago that packs have them.

    Whoever records an event asks afterwards: :func:`pack_old` may be at work meanwhile, and lets
    an id be recorded again only when it has committed.
    """
    latest_ms = time() * 1000 - LOOK_AFTER_MS
    old = {UUID(event_id).bytes: event_id for event_id in event_ids if _ms(event_id) < latest_ms}
    found: set[str] = set()
    for some in _portions(sorted(old)):
        for _, ids in await _packs_of(connection, consumer, some):
            found |= {old[packed] for packed in ids if packed in old}
    return found


async def pack_old(connection: AsyncConnection, consumer: str, keep_ms: int = KEEP_MS) -> int:
    """Move the ids of old events from the inbox into packs; return how many.

    At most ``IDS_AT_ONCE``, the lowest ones. Rows that say more than an id stay: of events that
    were given up, and of those that are kept.
    """
    await lock_all(connection, ["handled"])  # two that merge packs would lose each other's ids
    before = _lowest_at(int(await connection.scalar(select(now_ms())) or 0) - keep_ms)
    mine = (inbox.c.consumer == consumer, inbox.c.event_id < before)
    plain = (inbox.c.body.is_(None), inbox.c.given_up.is_(None))
    oldest = select(inbox.c.event_id).where(*mine, *plain).order_by(inbox.c.event_id)
    gone = delete(inbox).where(
        inbox.c.consumer == consumer, inbox.c.event_id.in_(oldest.limit(IDS_AT_ONCE))
    )
    moved = (await connection.scalars(gone.returning(inbox.c.event_id))).all()
    if moved:
        await _merge(connection, consumer, sorted(UUID(event_id).bytes for event_id in moved))
    return len(moved)


async def _merge(connection: AsyncConnection, consumer: str, ids: Sequence[bytes]) -> None:
    """Add ids, in their order, each to the pack that it belongs to; full packs are cut."""
    found = dict(await _packs_of(connection, consumer, ids))
    firsts = sorted(found)
    merged = {first: set(found[first]) for first in firsts}
    for event_id in ids:
        place = bisect_right(firsts, event_id) - 1
        merged.setdefault(firsts[place] if place >= 0 else b"", set()).add(event_id)
    packs = [pack for group in merged.values() for pack in _cut(sorted(group))]
    new = insert(handled)
    replace = new.on_conflict_do_update(
        index_elements=[handled.c.consumer, handled.c.first_id], set_={"ids": new.excluded.ids}
    )
    rows = [
        {"consumer": consumer, "first_id": _text(pack[0]), "ids": b"".join(pack)} for pack in packs
    ]
    await connection.execute(replace, rows)


def _cut(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (ids[first : first + IDS_PER_PACK] for first in range(0, len(ids), IDS_PER_PACK))


async def _packs_of(
    connection: AsyncConnection, consumer: str, ids: Sequence[bytes]
) -> list[tuple[bytes, list[bytes]]]:
    """Return the packs that ids belong to, each by its first id: one look into the index an id."""
    asked = {"consumer": consumer, "ids": [_text(event_id) for event_id in ids]}
    rows = await connection.execute(_asking(connection.dialect.name), asked)
    return [
        (UUID(row.first_id).bytes, [bytes(row.ids[at : at + ID_BYTES]) for at in _places(row.ids)])
        for row in rows
    ]


def _asking(dialect: str) -> Select[str, bytes]:
    asked = values_of("ids", handled.c.first_id, dialect)
    mine = handled.c.consumer == bindparam("consumer")
    other = handled.alias("other")
    last = (
        select(other.c.first_id)
        .where(other.c.consumer == bindparam("consumer"), other.c.first_id <= asked.c.value)
        .order_by(other.c.first_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    among = handled.c.first_id.in_(select(last).select_from(asked))
    return select(handled.c.first_id, handled.c.ids).where(mine, among)


def _places(ids: bytes) -> range:
    return range(0, len(ids), ID_BYTES)


def _ms(event_id: str) -> int:
    return UUID(event_id).int >> 80


def _lowest_at(moment_ms: int) -> str:
    """Return the lowest id that is made at a moment."""
    return str(UUID(int=max(0, moment_ms) << 80))


def _text(event_id: bytes) -> str:
    return str(UUID(bytes=event_id))


def _portions(ids: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (ids[first : first + IDS_AT_ONCE] for first in range(0, len(ids), IDS_AT_ONCE))
