"""The read models of documents and pages.

They are pure folds of events: every event sets columns of its own, so that the result does not
depend on how topics interleave.
"""

from sqlalchemy import JSON, Column, Integer, String, Table, Text

from services.gateway.kernel.tables import ID, MOMENT, metadata

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
