"""The event store, the inbox and the jobs."""

from libs.common.store.migrate import create_core_tables_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_core_tables_v1()
