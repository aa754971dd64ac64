"""Membership in a list of any length, given to the database as one parameter.

``IN`` with a parameter for each value fails beyond 32,767 of them on PostgreSQL and 32,766 on
SQLite, and is another statement to prepare for each length.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Text, TypeDecorator, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine


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


class Among(ColumnElement[bool]):
    """``column`` has one of the values of ``array``; made by :func:`among`."""

    inherit_cache = True
    _traverse_internals = [("column", "dp_clauseelement"), ("array", "dp_clauseelement")]
