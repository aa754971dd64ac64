"""Insert-or-something. PostgreSQL and SQLite spell it alike, so one construct serves both."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Executable, Table, or_
from sqlalchemy.dialects.postgresql import insert


@dataclass(frozen=True, kw_only=True, eq=False)
class Upsert:
    """How rows are written that have the columns ``key`` and ``values``.

    There is one for each table, columns and rule, which also compares and hashes them quickly.
    """

    table: Table
    key: tuple[str, ...]
    values: tuple[str, ...]
    latest_by: str | None

    @cached_property
    def statement(self) -> Executable:
        """The statement that writes such rows."""
        new = insert(self.table)
        if not self.values:
            return new.on_conflict_do_nothing()
        newer = None
        if self.latest_by is not None:
            known, given = self.table.c[self.latest_by], new.excluded[self.latest_by]
            newer = or_(known.is_(None), known <= given)
        return new.on_conflict_do_update(
            index_elements=[self.table.c[name] for name in self.key],
            set_={name: new.excluded[name] for name in self.values},
            where=newer,
        )


@dataclass(frozen=True)
class Write:
    """A row to be written by a statement that is built once for its table and columns.

    Building a statement costs more than running it, and rows of one statement go in one call.
    ``rule`` is known of what :func:`upsert` makes.
    """

    statement: Executable
    row: dict[str, Any]
    rule: Upsert | None = None


def insert_or_ignore(table: Table, **values: Any) -> Executable:
    """Insert a row unless its key is there; values may be expressions."""
    return insert(table).values(**values).on_conflict_do_nothing()


def add_once(table: Table, **row: Any) -> Write:
    """Write a row unless its key is there."""
    return Write(_add_once(table), row)


def upsert(table: Table, key: dict[str, Any], latest_by: str | None = None, **values: Any) -> Write:
    """Write a row, or set ``values`` on the one that has ``key``; its other columns stay.

    With ``latest_by``, one of ``values``, a row whose column of that name is larger stays as it is.
    """
    rule = upsert_rule(table, tuple(key), tuple(values), latest_by)
    return Write(rule.statement, key | values, rule)


@lru_cache(maxsize=256)
def _add_once(table: Table) -> Executable:
    return insert(table).on_conflict_do_nothing()


@lru_cache(maxsize=512)
def upsert_rule(
    table: Table, key: tuple[str, ...], values: tuple[str, ...], latest_by: str | None = None
) -> Upsert:
    """Return how rows are written to ``table`` that have these columns; see :func:`upsert`."""
    return Upsert(table=table, key=key, values=values, latest_by=latest_by)
