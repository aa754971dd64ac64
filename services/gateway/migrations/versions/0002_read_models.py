"""The read models, the pages that wait and the tokens."""

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.event_body import PartOfEvent
from libs.common.store.bodies.uuid_text import UuidText

revision = "0002"
down_revision = "0001"

ID = UuidText
MOMENT = sa.String(32)
CODE = sa.String(50)
KEY = sa.String(512)
IN_FLIGHT = sa.text(
    "ready_at IS NULL AND failed_at IS NULL AND given_up_at IS NULL AND deleted_at IS NULL"
)
COSTS_NOTHING = sa.text("state = 'speakable' AND cost = 0")


def upgrade() -> None:
    _documents()
    _pages()
    _document_details()
    _narrations()
    _narration_ranges()
    _audios()
    _audiobooks()
    _voices()
    _page_requests()
    _daily_characters()
    _document_changes()
    _rebuilds()
    _tokens()


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("owner_id", ID),
        sa.Column("source_kind", sa.String(10)),
        sa.Column("submitted_key", KEY),
        sa.Column("submitted_at", MOMENT),
        sa.Column("language", sa.String(50)),
        sa.Column("media_type", sa.String(250)),
        sa.Column("page_count", sa.Integer),
        sa.Column("characters", sa.Integer),
        sa.Column("parsed_key", KEY),
        sa.Column("parsed_at", MOMENT),
        sa.Column("rejected_code", CODE),
        sa.Column("rejected_key", KEY),
        sa.Column("rejected_at", MOMENT),
        sa.Column("given_up_code", CODE),
        sa.Column("given_up_key", KEY),
        sa.Column("given_up_at", MOMENT),
        sa.Column("deleted_at", MOMENT),
        sa.PrimaryKeyConstraint("document_id", name="pk_documents"),
    )
    here = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_documents_listing",
        "documents",
        ["owner_id", "submitted_at", "document_id"],
        postgresql_where=here,
        sqlite_where=here,
    )
    unparsed = sa.text(
        "parsed_at IS NULL AND rejected_at IS NULL AND given_up_at IS NULL AND deleted_at IS NULL"
    )
    op.create_index(
        "ix_documents_unparsed",
        "documents",
        ["owner_id", "submitted_at"],
        postgresql_where=unparsed,
        sqlite_where=unparsed,
    )


def _pages() -> None:
    op.create_table(
        "pages",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("language", sa.String(50)),
        sa.Column("extracted", PartOfEvent),
        sa.Column("extracted_characters", sa.Integer),
        sa.Column("edited", PartOfEvent),
        sa.Column("edited_revision", sa.Integer),
        sa.Column("segments", PartOfEvent),
        sa.Column("segments_revision", sa.Integer),
        sa.Column("segments_characters", sa.Integer),
        sa.Column("utterances", sa.Integer),
        sa.Column("failed_code", CODE),
        sa.Column("failed_key", KEY),
        sa.Column("failed_at", MOMENT),
        sa.PrimaryKeyConstraint("document_id", "page", name="pk_pages"),
    )


def _document_details() -> None:
    op.create_table(
        "document_details",
        sa.Column("key", KEY, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("body", sa.JSON),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_document_details"),
    )
    op.create_index("ix_document_details_document_id", "document_details", ["document_id"])


def _narrations() -> None:
    op.create_table(
        "narrations",
        sa.Column("narration_id", ID, nullable=False),
        sa.Column("document_id", ID),
        sa.Column("owner_id", ID),
        sa.Column("requested_by", ID),
        sa.Column("requested_at", MOMENT),
        sa.Column("pages", sa.JSON),
        sa.Column("engine", sa.String(50)),
        sa.Column("voice", sa.String(200)),
        sa.Column("rate", sa.Float),
        sa.Column("formats", sa.JSON),
        sa.Column("format_bits", sa.Integer),
        sa.Column("audiobook", sa.String(10)),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_before_read", sa.Boolean),
        sa.Column("pages_missing", sa.Integer),
        sa.Column("missing", sa.JSON),
        sa.PrimaryKeyConstraint("narration_id", name="pk_narrations"),
    )
    op.create_index("ix_narrations_document_id", "narrations", ["document_id"])


def _narration_ranges() -> None:
    op.create_table(
        "narration_ranges",
        sa.Column("narration_id", ID, nullable=False),
        sa.Column("is_missing", sa.Boolean, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("narration_id", "is_missing", "first", name="pk_narration_ranges"),
    )


def _audios() -> None:
    op.create_table(
        "audios",
        sa.Column("audio_id", ID, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("revision", sa.Integer),
        sa.Column("characters", sa.Integer),
        sa.Column("owner_id", ID),
        sa.Column("requested_by", ID),
        sa.Column("engine", sa.String(50)),
        sa.Column("voice", sa.String(200)),
        sa.Column("rate", sa.Float),
        sa.Column("formats", sa.JSON),
        sa.Column("format_bits", sa.Integer),
        sa.Column("requested_at", MOMENT),
        sa.Column("done", sa.Integer),
        sa.Column("total", sa.Integer),
        sa.Column("files", PartOfEvent),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("loudness_lufs", sa.Float),
        sa.Column("ready_at", MOMENT),
        sa.Column("failed_code", CODE),
        sa.Column("failed_key", KEY),
        sa.Column("failed_at", MOMENT),
        sa.Column("given_up_code", CODE),
        sa.Column("given_up_key", KEY),
        sa.Column("given_up_at", MOMENT),
        sa.Column("deleted_at", MOMENT),
        sa.PrimaryKeyConstraint("audio_id", name="pk_audios"),
    )
    op.create_index("ix_audios_document_page", "audios", ["document_id", "page"])
    op.create_index(
        "ix_audios_in_flight",
        "audios",
        ["owner_id"],
        postgresql_where=IN_FLIGHT,
        sqlite_where=IN_FLIGHT,
    )


def _audiobooks() -> None:
    op.create_table(
        "audiobooks",
        sa.Column("audiobook_id", ID, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("narration_id", ID),
        sa.Column("format", sa.String(10)),
        sa.Column("requested_by", ID),
        sa.Column("requested_at", MOMENT),
        sa.Column("object", PartOfEvent),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("chapters", sa.Integer),
        sa.Column("loudness_lufs", sa.Float),
        sa.Column("ready_at", MOMENT),
        sa.Column("failed_code", CODE),
        sa.Column("failed_key", KEY),
        sa.Column("failed_at", MOMENT),
        sa.Column("given_up_code", CODE),
        sa.Column("given_up_key", KEY),
        sa.Column("given_up_at", MOMENT),
        sa.PrimaryKeyConstraint("audiobook_id", name="pk_audiobooks"),
    )
    op.create_index("ix_audiobooks_document_id", "audiobooks", ["document_id"])
    op.create_index("ix_audiobooks_narration_id", "audiobooks", ["narration_id"])


def _voices() -> None:
    op.create_table(
        "voices",
        sa.Column("engine", sa.String(50), nullable=False),
        sa.Column("voices", sa.JSON, nullable=False),
        sa.Column("default_voice", sa.String(200), nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("announced_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("engine", name="pk_voices"),
    )


def _page_requests() -> None:
    op.create_table(
        "page_requests",
        sa.Column("narration_id", ID, nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("cost", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("narration_id", "page", name="pk_page_requests"),
    )
    op.create_index("ix_page_requests_document_id", "page_requests", ["document_id"])
    op.create_index(
        "ix_page_requests_turn",
        "page_requests",
        ["owner_id", "state", "requested_at", "narration_id", "page"],
    )
    op.create_index(
        "ix_page_requests_without_cost",
        "page_requests",
        ["owner_id", "requested_at", "narration_id", "page"],
        postgresql_where=COSTS_NOTHING,
        sqlite_where=COSTS_NOTHING,
    )


def _daily_characters() -> None:
    op.create_table(
        "daily_characters",
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("characters", sa.BigInteger, nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "day", name="pk_daily_characters"),
    )


def _document_changes() -> None:
    op.create_table(
        "document_changes",
        sa.Column("document_id", ID, nullable=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_changes"),
    )


def _rebuilds() -> None:
    op.create_table(
        "rebuilds",
        sa.Column("tables", sa.String(500), nullable=False),
        sa.Column("own", sa.BigInteger, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("received_id", ID, nullable=False),
        sa.Column("until_own", sa.BigInteger),
        sa.Column("until_received_ms", sa.BigInteger),
        sa.Column("passes", sa.Integer, nullable=False),
        sa.Column("projected", sa.BigInteger, nullable=False),
        sa.Column("swapped", sa.Boolean, nullable=False),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("tables", name="pk_rebuilds"),
    )


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", ID, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
    )
