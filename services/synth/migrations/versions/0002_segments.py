"""Where segments are kept, and the salts of their names."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "owner_salts",
        sa.Column("owner_id", sa.String(36), nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name="pk_owner_salts"),
    )
    op.create_table(
        "segment_packs",
        sa.Column("pack_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("document_id", UuidText, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pack_id", name="pk_segment_packs"),
    )
    op.create_index("ix_segment_packs_document_id", "segment_packs", ["document_id"])
    op.create_index("ix_segment_packs_last_used_at_ms", "segment_packs", ["last_used_at_ms"])
    op.create_table(
        "segments",
        sa.Column("digest", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("pack_id", sa.BigInteger, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_segments"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_segments_pack_id", "segments", ["pack_id"])
    op.create_table(
        "segment_cache_size",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segment_cache_size"),
    )
