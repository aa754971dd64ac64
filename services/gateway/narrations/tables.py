"""The read model of narrations, and the pages that still wait to be spoken for them."""

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table

from libs.common.store.tables import BigId
from services.gateway.kernel.tables import ID, MOMENT, metadata

narrations = Table(
    "narrations",
    metadata,
    Column("narration_id", ID, primary_key=True),
    Column("document_id", ID, index=True, nullable=False),
    Column("owner_id", ID, nullable=False),
    Column("requested_by", ID, nullable=False),
    Column("requested_at", MOMENT, nullable=False),
    Column("pages", JSON),
    Column("engine", String(50), nullable=False),
    Column("voice", String(200), nullable=False),
    Column("rate", Float, nullable=False),
    Column("formats", JSON, nullable=False),
    Column("audiobook", String(10)),
)

page_requests = Table(
    "page_requests",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("narration_id", ID, nullable=False),
    Column("document_id", ID, nullable=False, index=True),
    Column("owner_id", ID, nullable=False),
    Column("page", Integer, nullable=False),
    Index("uq_page_requests_narration_page", "narration_id", "page", unique=True),
    Index("ix_page_requests_owner", "owner_id", "id"),
    sqlite_autoincrement=True,
)
"""Pages that a narration still has to be given audio for, in the order in which they came."""
