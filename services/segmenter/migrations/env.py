"""Alembic environment; see libs.common.store.migrate."""

from libs.common.store.migrate import run

run()
