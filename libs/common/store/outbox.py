"""What the event store holds and Kafka does not: rows that go when their events were sent.

An event waits as long as its row is there, never because its id is "greater than the last one":
transactions commit out of the order of their ids.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Integer, String, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.arrays import among_given
from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.database.wakeups import OUTBOX, notify_after_commit
from libs.common.store.leases import IS_HELD, Lease, values_of
from libs.common.store.rows import StoredEvent, select_stored
from libs.common.store.tables import events, now_ms, outbox

MOST_IDS = 200
"""Ids that one statement changes, so that none holds a writer for long."""

_ADD = (
    insert(outbox)
    .from_select(["id"], select(events.c.id).where(events.c.event_id == bindparam("appended")))
    .execution_options(**FEW_ROWS)
)

_UNSENT = (
    select_stored()
    .join(outbox, outbox.c.id == events.c.id)
    .where(outbox.c.refused.is_(None))
    .where(events.c.topic.not_in(bindparam("held", expanding=True, type_=String())))
    .order_by(outbox.c.id)
    .limit(bindparam("limit", type_=Integer()))
)
"""Built once: an idle relay runs it every second."""

_REMOVE = (
    delete(outbox).where(among_given(outbox.c.id, "sent"), IS_HELD).execution_options(**FEW_ROWS)
)
_WAITING = outbox.c.refused.is_(None)


async def add(connection: AsyncConnection, event_ids: Sequence[str]) -> None:
    """Have events sent that were appended in this transaction."""
    await connection.execute(_ADD, [{"appended": event_id} for event_id in event_ids])
    notify_after_commit(connection, OUTBOX)


async def unsent(
    connection: AsyncConnection, limit: int, held: Collection[str] = ()
) -> list[StoredEvent]:
    """Return the oldest unsent events, at most ``limit``, none of the topics ``held``."""
    rows = await connection.execute(_UNSENT, {"limit": limit, "held": list(held)})
    return [StoredEvent._make(row) for row in rows]


async def remove_sent(connection: AsyncConnection, lease: Lease, sent: Sequence[int]) -> None:
    """Take events out that the broker has, by their ids, unless somebody took ``lease`` over."""
    for some in _portions(sent):
        await connection.execute(_REMOVE, {"sent": list(some), **values_of(lease)})


async def set_aside(connection: AsyncConnection, lease: Lease, refused: Mapping[int, str]) -> None:
    """Keep events, by their ids, that the broker never takes, with why; they wait no longer."""
    for place, reason in refused.items():
        aside = update(outbox).where(outbox.c.id == place, IS_HELD)
        setting = aside.values(refused=reason[:60], refused_at_ms=now_ms())
        await connection.execute(setting, values_of(lease))


async def send_again(connection: AsyncConnection, places: Sequence[int]) -> int:
    """Have events sent again, by their ids, also refused ones; return how many did not wait."""
    added = 0
    for some in _portions(places):
        again = insert(outbox).values([{"id": place} for place in some])
        changed = await connection.execute(
            again.on_conflict_do_update(
                index_elements=[outbox.c.id],
                set_={"refused": None, "refused_at_ms": None},
                where=outbox.c.refused.is_not(None),
            )
        )
        added += changed.rowcount
    if added:
        notify_after_commit(connection, OUTBOX)
    return added


async def ids_in_outbox(connection: AsyncConnection) -> set[int]:
    """Return the ids of all events that the broker does not have, also of refused ones."""
    return set(await connection.scalars(select(outbox.c.id)))


async def count_unsent(connection: AsyncConnection, up_to: int | None = None) -> int:
    """Return how many events wait to be sent, of those up to an id if given."""
    waiting = select(func.count()).select_from(outbox).where(_WAITING)
    if up_to is not None:
        waiting = waiting.where(outbox.c.id <= up_to)
    return int(await connection.scalar(waiting) or 0)


async def count_refused(connection: AsyncConnection) -> int:
    """Return how many events the broker refused, that nobody had sent again since."""
    refused = select(func.count()).select_from(outbox).where(~_WAITING)
    return int(await connection.scalar(refused) or 0)


def _portions(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[first : first + MOST_IDS] for first in range(0, len(ids), MOST_IDS)]
