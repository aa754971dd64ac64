"""The read models of shares and links; whom shares are for, and what links are opened with."""

from sqlalchemy import Column, Index, String, Table, Text

from services.gateway.kernel.tables import ID, MOMENT, metadata

shares = Table(
    "shares",
    metadata,
    Column("share_id", ID, primary_key=True),
    Column("document_id", ID, index=True),
    Column("owner_id", ID),
    Column("granted_by", ID),
    Column("granted_to", ID),
    Column("granted_level", String(20)),
    Column("granted_expires_at", MOMENT),
    Column("granted_at", MOMENT),
    Column("claimed_by", ID),
    Column("changed_level", String(20)),
    Column("changed_expires_at", MOMENT),
    Column("changed_at", MOMENT),
    Column("ended_at", MOMENT),
    Index("ix_shares_granted_to", "granted_to", "document_id"),
    Index("ix_shares_claimed_by", "claimed_by", "document_id"),
    Index("ix_shares_granted_by", "granted_by"),
    Index("ix_shares_owner_id", "owner_id"),
)

share_recipients = Table(
    "share_recipients",
    metadata,
    Column("share_id", ID, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("address", String(320), nullable=False),
    Column("folded", String(320), nullable=False, index=True),
    Column("message", Text),
)
"""Whom a share is for, as it was written, for as long as there is the document. Not a read model:
no event holds it."""

listen_links = Table(
    "listen_links",
    metadata,
    Column("link_id", ID, primary_key=True),
    Column("document_id", ID, index=True),
    Column("owner_id", ID, index=True),
    Column("expires_at", MOMENT),
    Column("made_at", MOMENT),
    Column("ended_at", MOMENT),
)

link_secrets = Table(
    "link_secrets",
    metadata,
    Column("link_id", ID, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("owner_id", ID, nullable=False, index=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("label", String(100)),
)
"""What links are opened with, and called, for as long as they open anything. Not a read model."""
