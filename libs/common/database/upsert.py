"""Insert-or-something. PostgreSQL and SQLite spell it alike, so one construct serves both."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, Table, or_
from sqlalchemy.dialects.postgresql import insert


@dataclass(frozen=True)
class Write:
    """A row to be written by a statement that is built once for its table and columns.

    Building a statement costs more than running it, and rows of one statement go in one call.
    """

    statement: Executable
    row: dict[str, Any]


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
    if not values:
        return add_once(table, **key)
    return Write(_upsert(table, tuple(key), tuple(values), latest_by), key | values)


@lru_cache(maxsize=256)
def _add_once(table: Table) -> Executable:
    return insert(table).on_conflict_do_nothing()


@lru_cache(maxsize=256)
def _upsert(
    table: Table, key: tuple[str, ...], values: tuple[str, ...], latest_by: str | None
) -> Executable:
    new = insert(table)
    newer = None
    if latest_by is not None:
        known, given = table.c[latest_by], new.excluded[latest_by]
        newer = or_(known.is_(None), known <= given)
    return new.on_conflict_do_update(
        index_elements=[table.c[name] for name in key],
        set_={name: new.excluded[name] for name in values},
        where=newer,
    )
