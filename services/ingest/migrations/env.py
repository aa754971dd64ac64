"""Alembic environment; see libs.common.migrate."""

from libs.common.migrate import run

run()
