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
    bindparam,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

_ITEMS = "SELECT value FROM json_each({})"


class Array(TypeDecorator[list[Any]]):
    """A list as parameter: an array of PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, *, integers: bool) -> None:
        super().__init__()
        self.integers = integers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database has for it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.integers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> Any:
        """Return what the driver takes."""
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _Among(FunctionElement[bool]):
    """``among(column, array)``."""

    type = Boolean()
    inherit_cache = True


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return whether a column of integers or text has one of ``values``, however many they are."""
    array = Array(integers=isinstance(column.type, Integer))
    return _Among(column, bindparam(None, list(values), type_=array, unique=True))


def among_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Do as :func:`among` in a statement that is built once; parameter ``name`` has the values."""
    return _Among(column, bindparam(name, type_=Array(integers=isinstance(column.type, Integer))))


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, array = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({array})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, array = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN ({_ITEMS.format(array)})"
