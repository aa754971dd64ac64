"""Accounts at other sites that people log in with."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0009"
down_revision = "0008"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("identity_id", UuidText, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("identity_id", name="pk_identities"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer_subject"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    op.create_table(
        "login_flows",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("browser_sha256", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("code_verifier", sa.String(128), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("user_id", UuidText),
        sa.Column("is_remembered", sa.Boolean, nullable=False),
        sa.Column("return_path", sa.String(500)),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_login_flows"),
    )
    op.create_index("ix_login_flows_user_id", "login_flows", ["user_id"])
    op.create_index("ix_login_flows_expires_at", "login_flows", ["expires_at"])
