"""When a page failed, and what code a rebuild was begun with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("pages", sa.Column("failed_at", sa.String(32)))
    op.add_column("rebuilds", sa.Column("code", sa.String(64)))
