"""Tables that stand beside read models while they are filled, and how they take their place.

Afterwards everything has the names of the original: tables, indexes, constraints. PostgreSQL
renames indexes; SQLite cannot, so there they are made when the original is gone.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    schema,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import conv

BESIDE = "rebuilt_"


def shadows_of(tables: Sequence[Table], *, sqlite: bool) -> Mapping[Table, Table]:
    """Return the shadow of each table, as it is while it is filled."""
    apart = MetaData()
    return {table: _shadow(table, apart, sqlite=sqlite) for table in tables}


def _shadow(table: Table, apart: MetaData, *, sqlite: bool) -> Table:
    shadow = table.to_metadata(apart, name=BESIDE + table.name)
    shadow.indexes.clear()
    # SQLite keeps names of constraints apart by table, and could not change them.
    prefix = "" if sqlite else BESIDE
    for original, copy in zip(_named(table), _named(shadow), strict=True):
        copy.name = conv(f"{prefix}{original.name}")
    if not sqlite:
        for index in _indexes(table):
            _copy_index(index, shadow, BESIDE + str(index.name))
    return shadow


def _copy_index(index: Index, table: Table, name: str) -> Index:
    columns = [table.c[column.name] for column in index.columns]
    return Index(conv(name), *columns, unique=index.unique, **index.kwargs)


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _named(table: Table) -> list[PrimaryKeyConstraint | UniqueConstraint]:
    found = [
        constraint
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    ]
    return sorted(found, key=lambda constraint: [column.name for column in constraint.columns])


async def create(connection: AsyncConnection, shadows: Mapping[Table, Table]) -> None:
    """Create empty shadows."""
    for shadow in shadows.values():
        await connection.run_sync(shadow.create)


async def discard(connection: AsyncConnection, names: Iterable[str]) -> None:
    """Remove the shadows of the tables of these names that a rebuild has left."""
    for name in names:
        await connection.execute(schema.DropTable(Table(BESIDE + name, MetaData()), if_exists=True))


async def lock(connection: AsyncConnection, tables: Sequence[Table], timeout_ms: int) -> None:
    """Keep all others out of ``tables`` until the transaction ends; on SQLite they are already.

    Raises:
        DBAPIError: Somebody else was in one of them for too long (PostgreSQL's 55P03).
    """
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        await connection.execute(text(f"SET LOCAL lock_timeout = {timeout_ms}"))
        await connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))


async def analyze(connection: AsyncConnection, shadows: Mapping[Table, Table]) -> None:
    """Let PostgreSQL's planner know the new tables before anybody queries them."""
    if connection.dialect.name == "postgresql":
        for shadow in shadows.values():
            await connection.execute(text(f"ANALYZE {shadow.name}"))


async def swap(connection: AsyncConnection, shadows: Mapping[Table, Table]) -> None:
    """Put the shadows in the place of their originals, which are dropped."""
    for table, shadow in shadows.items():
        await connection.execute(schema.DropTable(table))
        await connection.execute(text(f"ALTER TABLE {shadow.name} RENAME TO {table.name}"))
        if connection.dialect.name == "postgresql":
            await _rename_parts(connection, table)
        else:
            for index in _indexes(table):
                await connection.execute(schema.CreateIndex(index))


async def _rename_parts(connection: AsyncConnection, table: Table) -> None:
    for constraint in _named(table):
        change = f"RENAME CONSTRAINT {BESIDE}{constraint.name} TO {constraint.name}"
        await connection.execute(text(f"ALTER TABLE {table.name} {change}"))
    for index in _indexes(table):
        await connection.execute(text(f"ALTER INDEX {BESIDE}{index.name} RENAME TO {index.name}"))
