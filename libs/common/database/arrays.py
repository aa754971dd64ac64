"""Membership in a list of any length, given to the database as one parameter.

``IN`` with a parameter for each value fails beyond 32,767 of them on PostgreSQL and 32,766 on
SQLite, and is another statement to prepare for each length.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    TypeDecorator,
    Uuid,
    bindparam,
    func,
)
from sqlalchemy import column as sql_column
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

_ITEMS = "SELECT value FROM json_each({})"


class Array(TypeDecorator[list[Any]]):
    """A list as parameter: an array of PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database has for it."""
        if dialect.name == "postgresql":
            item = Uuid(as_uuid=False) if self.item is Uuid else self.item()
            return dialect.type_descriptor(ARRAY(item))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        """Return what the driver takes."""
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _Among(FunctionElement[bool]):
    """``among(column, array)``."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> "_Among":
        """Return itself: for SQLite, others are compared with 1, and then it uses no index."""
        return self


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return whether a column has one of ``values``, however many they are.

    It is one of integers, of text, or of UUIDs as text.
    """
    array = Array(_item(column.type))
    return _Among(column, bindparam(None, list(values), type_=array, unique=True))


def among_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Do as :func:`among` in a statement that is built once; parameter ``name`` has the values."""
    return _Among(column, bindparam(name, type_=Array(_item(column.type))))


def _item(of_column: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    if isinstance(of_column, Integer):
        return BigInteger
    return Uuid if isinstance(of_column, Uuid) else Text


def values_of(name: str, column: ColumnElement[Any], dialect: str) -> TableValuedAlias:
    """Return the parameter ``name``, a list of what ``column`` holds, as a table of ``value``."""
    given = bindparam(name, type_=Array(_item(column.type)))
    value = sql_column("value", column.type)
    if dialect == "postgresql":
        return func.unnest(given).table_valued(value, name="given").render_derived()
    return func.json_each(given).table_valued(value, name="given")


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, array = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({array})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, array = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN ({_ITEMS.format(array)})"
