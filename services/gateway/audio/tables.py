"""The read models of audios, audiobooks and voices; see ``documents/tables.py``."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    text,
)

from libs.common.store.bodies.event_body import PartOfEvent
from services.gateway.kernel.tables import CODE, ID, KEY, MOMENT, metadata

IN_FLIGHT = text(
    "ready_at IS NULL AND failed_at IS NULL AND given_up_at IS NULL AND deleted_at IS NULL"
)
"""An audio that is being made, or waits for that; it has an index of its own."""

audios = Table(
    "audios",
    metadata,
    Column("audio_id", ID, primary_key=True),
    Column("document_id", ID, nullable=False),
    Column("page", Integer),
    Column("revision", Integer),
    Column("characters", Integer),
    Column("owner_id", ID),
    Column("requested_by", ID),
    Column("engine", String(50)),
    Column("voice", String(200)),
    Column("rate", Float),
    Column("formats", JSON),
    Column("format_bits", Integer),
    Column("requested_at", MOMENT),
    Column("done", Integer),
    Column("total", Integer),
    Column("files", PartOfEvent),
    Column("duration_ms", BigInteger),
    Column("loudness_lufs", Float),
    Column("ready_at", MOMENT),
    Column("failed_code", CODE),
    Column("failed_key", KEY),
    Column("failed_at", MOMENT),
    Column("given_up_code", CODE),
    Column("given_up_key", KEY),
    Column("given_up_at", MOMENT),
    Column("deleted_at", MOMENT),
    Column("bytes", BigInteger),
    Index("ix_audios_document_page", "document_id", "page"),
    Index("ix_audios_in_flight", "owner_id", postgresql_where=IN_FLIGHT, sqlite_where=IN_FLIGHT),
)

audiobooks = Table(
    "audiobooks",
    metadata,
    Column("audiobook_id", ID, primary_key=True),
    Column("document_id", ID, index=True, nullable=False),
    Column("narration_id", ID, index=True),
    Column("format", String(10)),
    Column("requested_by", ID),
    Column("requested_at", MOMENT),
    Column("object", PartOfEvent),
    Column("duration_ms", BigInteger),
    Column("chapters", Integer),
    Column("loudness_lufs", Float),
    Column("ready_at", MOMENT),
    Column("failed_code", CODE),
    Column("failed_key", KEY),
    Column("failed_at", MOMENT),
    Column("given_up_code", CODE),
    Column("given_up_key", KEY),
    Column("given_up_at", MOMENT),
    Column("deleted_at", MOMENT),
    Column("bytes", BigInteger),
)

voices = Table(
    "voices",
    metadata,
    Column("engine", String(50), primary_key=True),
    Column("voices", JSON, nullable=False),
    Column("default_voice", String(200), nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("announced_at", MOMENT, nullable=False),
)
