"""The queues of ready jobs: one row for each kind and owner that has any.

A claim takes the first queue in line, whatever stands in it, so its cost does not depend on how
many jobs wait. Who changes counts does so at the end of the transaction and in one order, so that
two transactions never wait for each other.
"""

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    Executable,
    Integer,
    ScalarSelect,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.store.tables import job_queues as queues

Queue: TypeAlias = tuple[str, str]
"""Kind and owner."""


def last_in_line(kind: str) -> ScalarSelect[int]:
    """Return the turn behind all queues of the kind that is bound as ``kind``."""
    last = func.coalesce(func.max(queues.c.turn), 0, type_=BigInteger()) + 1
    return select(last).where(queues.c.kind == bindparam(kind)).scalar_subquery()


def _count_statement() -> Executable:
    by = bindparam("by", type_=Integer())
    new = insert(queues).values(
        kind=bindparam("kind"), owner=bindparam("owner"), ready=by, turn=last_in_line("kind")
    )
    return new.on_conflict_do_update(
        index_elements=[queues.c.kind, queues.c.owner], set_={"ready": queues.c.ready + by}
    )


_COUNT = _count_statement()
REMOVE_EMPTY = (
    delete(queues)
    .where(
        queues.c.kind == bindparam("of_kind"),
        queues.c.owner == bindparam("of_owner"),
        queues.c.ready <= 0,
    )
    .execution_options(**FEW_ROWS)
)


async def count(connection: AsyncConnection, changes: Mapping[Queue, int]) -> None:
    """Count so many more ready jobs (fewer, where negative); a queue that is empty goes."""
    changed = sorted((queue, by) for queue, by in changes.items() if by)
    if not changed:
        return
    rows = [{"kind": kind, "owner": owner, "by": by} for (kind, owner), by in changed]
    await connection.execute(_COUNT, rows)
    fewer = [{"of_kind": kind, "of_owner": owner} for (kind, owner), by in changed if by < 0]
    if fewer:
        await connection.execute(REMOVE_EMPTY, fewer)
