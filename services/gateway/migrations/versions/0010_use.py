"""What owners have, files that are counted and orders that are open; and what they prefer."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for table in ("audios", "audiobooks"):
        op.add_column(table, sa.Column("bytes", sa.BigInteger))
    op.create_table(
        "stored_files",
        sa.Column("file_id", UuidText, nullable=False),
        sa.Column("document_id", UuidText, nullable=False),
        sa.Column("owner_id", UuidText, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_stored_files"),
    )
    op.create_index("ix_stored_files_document_id", "stored_files", ["document_id"])
    op.create_table(
        "owner_storage",
        sa.Column("owner_id", UuidText, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_owner_storage"),
    )
    is_open = sa.text("requested_at IS NOT NULL AND ended_at IS NULL")
    op.create_index(
        "ix_narrations_open",
        "narrations",
        ["owner_id"],
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    op.create_table(
        "preferences",
        sa.Column("owner_id", UuidText, nullable=False),
        sa.Column("engine", sa.String(50)),
        sa.Column("voice", sa.String(200)),
        sa.Column("rate", sa.Float),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_preferences"),
    )
