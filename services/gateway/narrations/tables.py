"""The read model of narrations, and the pages that still wait to be spoken for them."""

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table

from libs.common.store.tables import BigId
from services.gateway.kernel.tables import CODE, ID, MOMENT, metadata

narrations = Table(
    "narrations",
    metadata,
    Column("narration_id", ID, primary_key=True),
    Column("document_id", ID, index=True),
    Column("owner_id", ID),
    Column("requested_by", ID),
    Column("requested_at", MOMENT),
    Column("pages", JSON),
    Column("engine", String(50)),
    Column("voice", String(200)),
    Column("rate", Float),
    Column("formats", JSON),
    Column("audiobook", String(10)),
    Column("ended_at", MOMENT),
    Column("ended_code", CODE),
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
