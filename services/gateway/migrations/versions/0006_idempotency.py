"""Keys of requests that may come twice, and mails to one address, to be counted."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0006"
down_revision = "0004"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("token", UuidText, nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("committed_at", MOMENT),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("document_id", UuidText),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_idempotency_keys_document_id", "idempotency_keys", ["document_id"])
    op.create_index("ix_mail_links_folded", "mail_links", ["folded", "purpose"])
