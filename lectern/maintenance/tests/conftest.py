"""Stores to look into: the core tables, in either kind of database."""

from libs.common.conftest import database, database_url

__all__ = ["database", "database_url"]
