"""Insert-or-something. PostgreSQL and SQLite spell it alike, so one construct serves both."""

from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.dialects.postgresql import insert


def insert_or_ignore(table: Table, **values: Any) -> Executable:
    """Insert a row unless its key is there."""
    return insert(table).values(**values).on_conflict_do_nothing()


def upsert(table: Table, key: dict[str, Any], **values: Any) -> Executable:
    """Insert a row, or set ``values`` on the one that has ``key``; its other columns stay."""
    if not values:
        return insert_or_ignore(table, **key)
    return (
        insert(table)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=[table.c[name] for name in key], set_=values)
    )
