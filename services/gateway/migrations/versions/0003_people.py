"""Users, their addresses, and what tokens are good for."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0003"
down_revision = "0002"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("is_staff", sa.Boolean, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.Column("language", sa.String(50)),
        sa.Column("details_key", sa.String(512)),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
    )
    _create_credentials()
    _create_mail_links()
    op.create_table(
        "addresses",
        sa.Column("address_id", UuidText, nullable=False),
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("folded", sa.String(320), nullable=False),
        sa.Column("is_primary", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("verified_at", MOMENT),
        sa.PrimaryKeyConstraint("address_id", name="pk_addresses"),
        sa.UniqueConstraint("user_id", "folded", name="uq_addresses_user_id_folded"),
    )
    op.create_index("ix_addresses_user_id", "addresses", ["user_id"])
    verified = sa.text("verified_at IS NOT NULL")
    op.create_index(
        "ix_addresses_verified",
        "addresses",
        ["folded"],
        unique=True,
        postgresql_where=verified,
        sqlite_where=verified,
    )
    every = sa.text("'admin read share write'")  # those of before may do what their owners may
    op.add_column(
        "tokens", sa.Column("scopes", sa.String(50), nullable=False, server_default=every)
    )
    op.add_column("tokens", sa.Column("last_used_at", MOMENT))


def _create_credentials() -> None:
    op.create_table(
        "passwords",
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_passwords"),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", UuidText, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("user_id", UuidText, nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
        sa.UniqueConstraint("sha256", name="uq_sessions_sha256"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _create_mail_links() -> None:
    op.create_table(
        "mail_links",
        sa.Column("mail_id", UuidText, nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("user_id", UuidText),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("folded", sa.String(320), nullable=False),
        sa.Column("language", sa.String(50), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("is_staff", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("mail_id", name="pk_mail_links"),
    )
    op.create_index("ix_mail_links_user_id", "mail_links", ["user_id"])
