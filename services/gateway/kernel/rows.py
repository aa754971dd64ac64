"""Rows of tables as frozen, typed values: no untyped row leaves the module that reads it.

A row class is a dataclass whose fields are named as columns. It is built in one place, here, by
pydantic from its annotations: ids become UUIDs, JSON becomes the values of the contracts.
"""

from dataclasses import fields
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

R = TypeVar("R")


class RowReader(Generic[R]):
    """Reads rows of one class from ``tables``; a column is that of the first one that has it."""

    def __init__(self, row_class: type[R], *tables: Table) -> None:
        self._names = [field.name for field in fields(row_class)]  # type: ignore[arg-type]
        self._columns = [_column(name, tables) for name in self._names]
        self._rows = TypeAdapter(list[row_class])  # type: ignore[valid-type]

    def select(self) -> Select[Any]:
        """Return the statement that reads all rows; narrow it down."""
        return select(*self._columns)

    async def all(self, connection: AsyncConnection, wanted: Select[Any]) -> list[R]:
        """Return the rows of a statement that :meth:`select` began."""
        found = await connection.execute(wanted)
        # dict(zip()) takes a third of the time of a row's own _asdict().
        values = [dict(zip(self._names, row, strict=True)) for row in found]
        return self._rows.validate_python(values)

    async def first(self, connection: AsyncConnection, wanted: Select[Any]) -> R | None:
        """Return the first row, or None."""
        rows = await self.all(connection, wanted.limit(1))
        return rows[0] if rows else None


def _column(name: str, tables: tuple[Table, ...]) -> Column[Any]:
    for table in tables:
        if name in table.c:
            return table.c[name]
    raise LookupError(f"no table of {', '.join(map(str, tables))} has a column {name}")


def as_json(value: BaseModel | None) -> Any:
    """Return a value of the contracts as a JSON column holds it."""
    return None if value is None else value.model_dump(mode="json")
