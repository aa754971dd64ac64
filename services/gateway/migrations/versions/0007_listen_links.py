"""Public links, and what they are opened with; shares by the owner of their document."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0007"
down_revision = "0006"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_index("ix_shares_owner_id", "shares", ["owner_id"])
    op.create_table(
        "listen_links",
        sa.Column("link_id", UuidText, nullable=False),
        sa.Column("document_id", UuidText),
        sa.Column("owner_id", UuidText),
        sa.Column("expires_at", MOMENT),
        sa.Column("made_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("link_id", name="pk_listen_links"),
    )
    op.create_index("ix_listen_links_document_id", "listen_links", ["document_id"])
    op.create_index("ix_listen_links_owner_id", "listen_links", ["owner_id"])
    op.create_table(
        "link_secrets",
        sa.Column("link_id", UuidText, nullable=False),
        sa.Column("document_id", UuidText, nullable=False),
        sa.Column("owner_id", UuidText, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(100)),
        sa.PrimaryKeyConstraint("link_id", name="pk_link_secrets"),
        sa.UniqueConstraint("sha256", name="uq_link_secrets_sha256"),
    )
    op.create_index("ix_link_secrets_document_id", "link_secrets", ["document_id"])
    op.create_index("ix_link_secrets_owner_id", "link_secrets", ["owner_id"])
