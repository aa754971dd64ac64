"""Many events into few rows: what a chunk writes to one row is merged before it is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.base import Event
from libs.common.database.upsert import Upsert, Write
from services.gateway.kernel.record import Feature, Fold

Key = tuple[Any, ...]
Rows = Mapping[Upsert, Mapping[Key, dict[str, Any]]]


class Folding:
    """The folds that write any of ``tables``."""

    def __init__(self, features: Sequence[Feature], tables: Iterable[Table]) -> None:
        self._tables = set(tables)
        self._folds: dict[type[Event], list[Fold]] = {}
        for feature in features:
            if self._tables.intersection(feature.read_models):
                for event, fold in feature.folds.items():
                    self._folds.setdefault(event, []).append(fold)

    @property
    def events(self) -> Sequence[type[Event]]:
        """The events that these folds follow."""
        return tuple(self._folds)

    def rows_of(self, events: Iterable[Event]) -> Rows:
        """Return the rows that ``events`` write, those of one row and rule merged into one."""
        merged: dict[Upsert, dict[Key, dict[str, Any]]] = {}
        for event in events:
            for fold in self._folds[type(event)]:
                for write in fold(event):
                    rule = _rule(write)
                    if rule.table in self._tables:
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


async def write_rows(connection: AsyncConnection, rows: Rows, into: Mapping[Table, Table]) -> None:
    """Write rows to the tables that stand beside those that they are of."""
    for rule, by_key in rows.items():
        beside = rule.moved_to(into[rule.table])
        await connection.execute(beside.statement, list(by_key.values()))
