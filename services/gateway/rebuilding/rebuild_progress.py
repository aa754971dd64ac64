"""How far a rebuild has come, kept in the transactions that take it further."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.kernel.tables import rebuilds
from services.gateway.rebuilding.past_events import Bound, Position


@dataclass(frozen=True, kw_only=True)
class RebuildProgress:
    """One rebuild. ``until`` is where the current pass ends; None between two passes.

    ``code_digest`` is that of what it was begun with. ``passes`` counts those that have begun,
    ``projected`` the events that were projected. When it is ``swapped``, the new tables are in
    place, and watchers are still to be told.
    """

    tables: str
    code_digest: str
    position: Position = field(default_factory=Position)
    until: Bound | None = None
    passes: int = 0
    projected: int = 0
    swapped: bool = False

    def differs_from(self, new: "RebuildProgress") -> str | None:
        """Return why what it left is of no use for a ``new`` one, for people; None if it is."""
        if self.tables != new.tables:
            return f"of other tables ({self.tables})"
        return None if self.code_digest == new.code_digest else "of another release"

    def begun(self, until: Bound) -> "RebuildProgress":
        """Return it at the beginning of a pass that ends at a bound."""
        return replace(self, until=until, passes=self.passes + 1)

    def moved(self, position: Position, projected: int) -> "RebuildProgress":
        """Return it after a chunk."""
        return replace(self, position=position, projected=self.projected + projected)

    def passed(self) -> "RebuildProgress":
        """Return it at the end of a pass, where the next one begins."""
        if self.until is None:
            return self
        return replace(self, position=self.until.start_of_next(), until=None)


def named(tables: Sequence[Table]) -> str:
    """Return the name of a rebuild of ``tables``."""
    return ",".join(sorted(table.name for table in tables))


async def read_progress(connection: AsyncConnection) -> RebuildProgress | None:
    """Return the rebuild that is not finished, if there is one."""
    row = (await connection.execute(select(rebuilds))).first()
    if row is None:
        return None
    bounded = row.until_own is not None
    return RebuildProgress(
        tables=row.tables,
        code_digest=row.code_digest,
        position=Position(own=row.own, received_ms=row.received_ms, received_id=row.received_id),
        until=Bound(own=row.until_own, received_ms=row.until_received_ms) if bounded else None,
        passes=row.passes,
        projected=row.projected,
        swapped=row.swapped,
    )


async def begin(connection: AsyncConnection, progress: RebuildProgress) -> None:
    """Keep a new rebuild, in place of any other."""
    await forget(connection)
    await connection.execute(insert(rebuilds), _row(progress))


async def keep(connection: AsyncConnection, progress: RebuildProgress) -> None:
    """Keep how far it has come."""
    await connection.execute(update(rebuilds).values(_row(progress)))


async def forget(connection: AsyncConnection) -> None:
    """Keep nothing: there is no rebuild."""
    await connection.execute(delete(rebuilds))


def _row(progress: RebuildProgress) -> dict[str, object]:
    until = progress.until
    return {
        "tables": progress.tables,
        "code_digest": progress.code_digest,
        "own": progress.position.own,
        "received_ms": progress.position.received_ms,
        "received_id": progress.position.received_id,
        "until_own": until and until.own,
        "until_received_ms": until and until.received_ms,
        "passes": progress.passes,
        "projected": progress.projected,
        "swapped": progress.swapped,
    }
