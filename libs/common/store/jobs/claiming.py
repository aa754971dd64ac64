"""Taking jobs out of the queues, under a lease.

The first queue in line gives its first job and goes to the end of the line: round robin between
owners (Nagle 1987, "On packet switches with infinite storage"), so that somebody with one page does
not wait for somebody else's thousand. An owner with more than a share of the slots is passed over
while others wait.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    bindparam,
    exists,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from libs.common.database.sqlite.short_statements import FEW_ROWS
from libs.common.store.jobs.due import IS_DUE, IS_EXPIRED
from libs.common.store.jobs.held_jobs import Claim
from libs.common.store.jobs.queues import REMOVE_EMPTY, last_in_line
from libs.common.store.tables import IS_READY, RUNNING, SUSPECT, jobs, now_ms
from libs.common.store.tables import job_queues as queues


@dataclass(frozen=True, kw_only=True)
class SlotRequest:
    """What a worker has room for: ``free`` more jobs of a kind.

    ``held`` says how many it does for each owner. One who has ``share`` of them gets another only
    if no other owner waits; one who has ``most``, or is ``passed_over``, gets none.
    """

    kind: str
    free: int
    share: int
    most: int
    held: Mapping[str, int] = field(default_factory=dict)
    passed_over: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outlook:
    """What there is to do: jobs to be made ready, kinds with ready jobs, kinds with suspects."""

    due: bool
    ready: frozenset[str]
    suspects: frozenset[str]


async def look(connection: AsyncConnection, kinds: Sequence[str]) -> Outlook:
    """Look at what there is to do, by one query, which is all that an idle worker asks."""
    found = (await connection.execute(_looking(tuple(kinds)), {"kinds": list(kinds)})).one()
    some = {kind: (found[2 * n + 1], found[2 * n + 2]) for n, kind in enumerate(kinds)}
    return Outlook(
        due=bool(found[0]),
        ready=frozenset(kind for kind, (ready, _) in some.items() if ready),
        suspects=frozenset(kind for kind, (_, suspect) in some.items() if suspect),
    )


@lru_cache(maxsize=64)
def _looking(kinds: tuple[str, ...]) -> Select[Any]:
    due = exists(select(literal(1)).select_from(jobs).where(IS_DUE))
    expired = exists(select(literal(1)).select_from(jobs).where(IS_EXPIRED))
    columns: list[Any] = [due | expired]
    for kind in kinds:
        suspect = (jobs.c.status == SUSPECT, jobs.c.kind == kind)
        columns.append(exists(select(literal(1)).where(queues.c.kind == kind)))
        columns.append(exists(select(literal(1)).select_from(jobs).where(*suspect)))
    return select(*(column.label(f"c{n}") for n, column in enumerate(columns)))


_FIRST_IN_LINE = (
    select(queues.c.owner)
    .where(
        queues.c.kind == bindparam("of_kind"),
        queues.c.owner.not_in(bindparam("passed_over", expanding=True)),
    )
    .order_by(queues.c.turn, queues.c.owner)
    .limit(bindparam("limit", type_=Integer()))
)
_FREE_QUEUES = _FIRST_IN_LINE.with_for_update(skip_locked=True)
_NEXT_QUEUE = _FIRST_IN_LINE.with_for_update()
_END_OF_LINE = (
    update(queues)
    .where(queues.c.kind == bindparam("of_kind"), queues.c.owner == bindparam("of_owner"))
    .values(
        ready=queues.c.ready - bindparam("taken", type_=Integer()), turn=last_in_line("of_kind")
    )
    .execution_options(**FEW_ROWS)
)


def _take(*condition: Any) -> ReturningUpdate[Any]:
    chosen = (
        select(jobs.c.id)
        .where(jobs.c.kind == bindparam("of_kind"), *condition)
        .order_by(jobs.c.run_at_ms, jobs.c.id)
        .limit(bindparam("limit", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte("chosen")  # chosen once: as a plain subquery it may be run again for each row
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(chosen.c.id)))
        .values(
            status=RUNNING,
            attempts=jobs.c.attempts + 1,
            lease_token=jobs.c.lease_token + 1,
            lease_until_ms=now_ms() + bindparam("lease_ms", type_=BigInteger()),
        )
        .returning(*(jobs.c[name] for name in _CLAIMED), jobs.c.run_at_ms)
        .execution_options(**FEW_ROWS)
    )


_CLAIMED = [one.name for one in fields(Claim)]
_TAKE = _take(jobs.c.owner == bindparam("of_owner"), IS_READY)
_TAKE_SUSPECT = _take(jobs.c.status == SUSPECT)


async def claim(connection: AsyncConnection, request: SlotRequest, lease_ms: int) -> list[Claim]:
    """Take the next jobs of one kind. Call at the beginning of a transaction of its own."""
    claiming = _Claiming(connection, request, lease_ms)
    for bound in (request.share, request.most):
        while claiming.left and await claiming.round(bound):
            pass
    return claiming.claimed


async def claim_suspect(connection: AsyncConnection, kind: str, lease_ms: int) -> Claim | None:
    """Take a job that is to run alone."""
    wanted = {"of_kind": kind, "limit": 1, "lease_ms": lease_ms}
    row = (await connection.execute(_TAKE_SUSPECT, wanted)).first()
    return None if row is None else _claim_of(row)


class _Claiming:
    """One claim, round by round."""

    def __init__(self, connection: AsyncConnection, request: SlotRequest, lease_ms: int) -> None:
        self._connection = connection
        self._kind = request.kind
        self._lease_ms = lease_ms
        self._held = Counter(request.held)
        self._passed_over = request.passed_over
        self.left = request.free
        self.claimed: list[Claim] = []

    async def round(self, bound: int) -> bool:
        """Take from the first queues of those who hold less than ``bound``; False if none."""
        owners = await self._first_in_line(bound)
        taken = 0
        for owner in owners:
            share = max(1, self.left // len(owners))
            some = await self._take(owner, min(share, self.left, bound - self._held[owner]))
            self._held[owner] += some
            taken += some
        self.left -= taken
        return taken > 0

    async def _first_in_line(self, bound: int) -> Sequence[str]:
        full = {owner for owner, count in self._held.items() if count >= bound}
        passed_over = list(full | self._passed_over)
        wanted = {"of_kind": self._kind, "passed_over": passed_over, "limit": self.left}
        found = (await self._connection.scalars(_FREE_QUEUES, wanted)).all()
        if found or self.claimed or self._connection.dialect.name == "sqlite":
            return found
        # Another worker is at the only queue: wait for it, as long as nothing else is held.
        return (await self._connection.scalars(_NEXT_QUEUE, wanted | {"limit": 1})).all()

    async def _take(self, owner: str, at_most: int) -> int:
        queue = {"of_kind": self._kind, "of_owner": owner}
        wanted = queue | {"limit": at_most, "lease_ms": self._lease_ms}
        rows = (await self._connection.execute(_TAKE, wanted)).all()
        if rows:
            await self._connection.execute(_END_OF_LINE, queue | {"taken": len(rows)})
            await self._connection.execute(REMOVE_EMPTY, queue)
        rows = sorted(rows, key=lambda row: (row.run_at_ms, row.id))
        self.claimed += map(_claim_of, rows)
        return len(rows)


def _claim_of(row: Any) -> Claim:
    return Claim(**{name: row._mapping[name] for name in _CLAIMED})
