"""Many events into few rows: what a chunk writes to one row is merged before it is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Column, Dialect, Select, String, Table, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from libs.common.contracts.base import Event
from libs.common.database.upsert import Upsert, Write, upsert_rule
from libs.common.store.event_store import restore
from services.gateway.kernel.record import Feature, Fold
from services.gateway.rebuilding.past_events import Stored

Key = tuple[Any, ...]
Rows = Mapping[Upsert, Mapping[Key, dict[str, Any]]]
Bind = Callable[[Any], Any]


class Batch(NamedTuple):
    """SQL, and the parameters of each time that it is run, as the driver takes them.

    On SQLite it writes a row, on PostgreSQL as many as the arrays are long that are its parameters:
    the server takes less time for rows of one statement.
    """

    sql: str
    parameters: list[tuple[Any, ...]]


class ShadowProjection:
    """The folds that write any of the tables of ``shadows``, into the shadows of these."""

    def __init__(
        self, features: Sequence[Feature], shadows: Mapping[Table, Table], dialect: Dialect
    ) -> None:
        self._shadows = shadows
        self._dialect = dialect
        self._folds: dict[type[Event], list[Fold]] = {}
        for feature in features:
            if shadows.keys() & set(feature.read_models):
                for event, fold in feature.folds.items():
                    self._folds.setdefault(event, []).append(fold)

    @property
    def events(self) -> Sequence[type[Event]]:
        """The events that these folds follow."""
        return tuple(self._folds)

    def batches(self, events: Iterable[Stored]) -> list[Batch]:
        """Return what ``events`` write.

        Raises:
            Malformed: An event cannot be read, though it could be when it was handled.
            UnknownVersion: An event was stored by a newer release.
        """
        return [
            _batch(rule, self._shadows[rule.table], self._dialect, by_key.values())
            for rule, by_key in self.rows(events).items()
        ]

    def rows(self, events: Iterable[Stored]) -> Rows:
        """Return the rows that ``events`` write, those of one row and rule merged into one.

        Each event is read when it is its turn: to keep thousands in memory has Python look through
        them for garbage again and again, which took as long as everything else.
        """
        merged: dict[Upsert, dict[Key, dict[str, Any]]] = {}
        for stored in events:
            event = restore(*stored)
            for fold in self._folds.get(type(event), ()):
                for write in fold(event):
                    rule = _rule(write)
                    if rule.table in self._shadows:
                        _merge(merged.setdefault(rule, {}), rule, write.row)
        return merged


def _rule(write: Write) -> Upsert:
    if write.rule is None:
        raise TypeError("a fold writes by upsert, so that its rows can be merged")
    return write.rule


def _merge(rows: dict[Key, dict[str, Any]], rule: Upsert, row: dict[str, Any]) -> None:
    """Have ``rows`` hold what the statement of ``rule`` would leave of both rows of one key."""
    key = tuple([row[name] for name in rule.key])
    known = rows.get(key)
    if known is not None and rule.latest_by is not None:
        had, given = known[rule.latest_by], row[rule.latest_by]
        if had is not None and (given is None or had > given):
            return
    rows[key] = row


def _batch(rule: Upsert, shadow: Table, dialect: Dialect, rows: Iterable[dict[str, Any]]) -> Batch:
    sql, names, binds = _compiled(rule, shadow, dialect)
    in_order = itemgetter(*names)
    bound = []
    for row in rows:
        values = list(in_order(row))
        for place, bind in binds:
            values[place] = bind(values[place])
        bound.append(tuple(values))
    if dialect.name == "postgresql":
        return Batch(sql, [tuple([list(column) for column in zip(*bound, strict=True)])])
    return Batch(sql, bound)


@lru_cache(maxsize=256)
def _compiled(
    rule: Upsert, shadow: Table, dialect: Dialect
) -> tuple[str, Sequence[str], Sequence[tuple[int, Bind]]]:
    """Return the SQL, the columns in the order of its parameters, and what converts which.

    SQLAlchemy does the same for every row anew, which takes longer than to write it.
    """
    names = (*rule.key, *rule.values)
    statement: Any = upsert_rule(shadow, rule.key, rule.values, rule.latest_by).statement
    if dialect.name == "postgresql":
        statement = statement.from_select(
            names, _rows_of_arrays([shadow.c[name] for name in names])
        )
        compiled = statement.compile(dialect=dialect)
    else:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
    ordered = [str(name) for name in compiled.positiontup]
    processors = [
        shadow.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in ordered
    ]
    binds = [(place, bind) for place, bind in enumerate(processors) if bind is not None]
    return str(compiled), ordered, binds


def _rows_of_arrays(columns: Sequence[Column[Any]]) -> Select[Any]:
    """Return the query of rows of which each column is given as an array."""
    arrays = [bindparam(column.name, type_=ARRAY(_unbounded(column.type))) for column in columns]
    names = [column.name for column in columns]
    given = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return select(*(given.c[name] for name in names))


def _unbounded(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type of an element: a cast to a type with a length would cut what is longer."""
    return Text() if isinstance(kind, String) else kind


async def write_batches(connection: AsyncConnection, batches: Iterable[Batch]) -> None:
    """Write what was projected."""
    for batch in batches:
        await connection.exec_driver_sql(batch.sql, batch.parameters)
