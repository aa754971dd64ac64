"""The gateway's read models, its policy's to-do list, and its credentials.

Read models are pure folds of events (``projections``): every event sets columns of its own, so that
the result does not depend on how topics interleave. ``wanted`` belongs to the policy. ``tokens`` is
an ordinary table: credentials never enter an event.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from libs.common.tables import NAMES, BigId

metadata = MetaData(naming_convention=NAMES)

ID = String(36)
MOMENT = String(32)
IN_FLIGHT = text("ready_at IS NULL AND failed_at IS NULL AND deleted_at IS NULL")

documents = Table(
    "documents",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("owner_id", ID, index=True),
    Column("given_title", Text),
    Column("source_kind", String(10)),
    Column("source_name", Text),
    Column("source", JSON),
    Column("submitted_at", MOMENT),
    Column("found_title", Text),
    Column("author", Text),
    Column("language", String(35)),
    Column("media_type", String(100)),
    Column("page_count", Integer),
    Column("characters", Integer),
    Column("chapters", JSON),
    Column("cover", JSON),
    Column("warnings", JSON),
    Column("parsed_at", MOMENT),
    Column("rejected_code", String(50)),
    Column("rejected_reason", Text),
    Column("rejected_at", MOMENT),
    Column("deleted_at", MOMENT),
)

pages = Table(
    "pages",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("title", Text),
    Column("language", String(35)),
    Column("extracted", JSON),
    Column("extracted_characters", Integer),
    Column("edited", JSON),
    Column("edited_revision", Integer),
    Column("segments", JSON),
    Column("segments_revision", Integer),
    Column("segments_characters", Integer),
    Column("utterances", Integer),
    Column("failed_code", String(50)),
    Column("failed_reason", Text),
)

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

audios = Table(
    "audios",
    metadata,
    Column("audio_id", ID, primary_key=True),
    Column("document_id", ID, nullable=False),
    Column("page", Integer),
    Column("revision", Integer),
    Column("owner_id", ID),
    Column("requested_by", ID),
    Column("engine", String(50)),
    Column("voice", String(200)),
    Column("rate", Float),
    Column("formats", JSON),
    Column("requested_at", MOMENT),
    Column("done", Integer),
    Column("total", Integer),
    Column("renditions", JSON),
    Column("timings", JSON),
    Column("captions", JSON),
    Column("duration_ms", BigInteger),
    Column("loudness_lufs", Float),
    Column("ready_at", MOMENT),
    Column("failed_code", String(50)),
    Column("failed_reason", Text),
    Column("failed_at", MOMENT),
    Column("deleted_at", MOMENT),
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
    Column("object", JSON),
    Column("duration_ms", BigInteger),
    Column("chapters", Integer),
    Column("loudness_lufs", Float),
    Column("ready_at", MOMENT),
    Column("failed_code", String(50)),
    Column("failed_reason", Text),
    Column("failed_at", MOMENT),
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

wanted = Table(
    "wanted",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("narration_id", ID, nullable=False),
    Column("document_id", ID, nullable=False, index=True),
    Column("owner_id", ID, nullable=False),
    Column("page", Integer, nullable=False),
    Index("uq_wanted_narration_page", "narration_id", "page", unique=True),
    Index("ix_wanted_owner", "owner_id", "id"),
    sqlite_autoincrement=True,
)
"""Pages that a narration still has to be given audio for, in the order in which they came."""

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", ID, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("owner_id", ID, nullable=False),
    Column("name", String(100), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
)

READ_MODELS = (documents, pages, narrations, audios, audiobooks, voices)
