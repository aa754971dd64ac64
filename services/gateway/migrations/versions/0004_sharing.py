"""Shares, and whom they are for."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0004"
down_revision = "0003"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("share_id", UuidText, nullable=False),
        sa.Column("document_id", UuidText),
        sa.Column("owner_id", UuidText),
        sa.Column("granted_by", UuidText),
        sa.Column("granted_to", UuidText),
        sa.Column("granted_level", sa.String(20)),
        sa.Column("granted_expires_at", MOMENT),
        sa.Column("granted_at", MOMENT),
        sa.Column("claimed_by", UuidText),
        sa.Column("changed_level", sa.String(20)),
        sa.Column("changed_expires_at", MOMENT),
        sa.Column("changed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("share_id", name="pk_shares"),
    )
    op.create_index("ix_shares_document_id", "shares", ["document_id"])
    op.create_index("ix_shares_granted_to", "shares", ["granted_to", "document_id"])
    op.create_index("ix_shares_claimed_by", "shares", ["claimed_by", "document_id"])
    op.create_index("ix_shares_granted_by", "shares", ["granted_by"])
    op.create_table(
        "share_recipients",
        sa.Column("share_id", UuidText, nullable=False),
        sa.Column("document_id", UuidText, nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("folded", sa.String(320), nullable=False),
        sa.Column("message", sa.Text),
        sa.PrimaryKeyConstraint("share_id", name="pk_share_recipients"),
    )
    op.create_index("ix_share_recipients_document_id", "share_recipients", ["document_id"])
    op.create_index("ix_share_recipients_folded", "share_recipients", ["folded"])
