"""The read models of documents and pages, and what the objects say that their events refer to.

Read models are pure folds of events: every event sets columns of its own, so that the result does
not depend on how topics interleave. Columns that end in ``_key`` name an object of the document.
"""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, and_, column

from libs.common.store.bodies.event_body import PartOfEvent
from services.gateway.kernel.tables import CODE, ID, KEY, MOMENT, metadata

_HERE = column("deleted_at").is_(None)
_UNPARSED = and_(
    *(column(name).is_(None) for name in ("parsed_at", "rejected_at", "given_up_at", "deleted_at"))
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("owner_id", ID),
    Column("source_kind", String(10)),
    Column("submitted_key", KEY),
    Column("submitted_at", MOMENT),
    Column("language", String(50)),
    Column("media_type", String(250)),
    Column("page_count", Integer),
    Column("characters", Integer),
    Column("parsed_key", KEY),
    Column("parsed_at", MOMENT),
    Column("rejected_code", CODE),
    Column("rejected_key", KEY),
    Column("rejected_at", MOMENT),
    Column("given_up_code", CODE),
    Column("given_up_key", KEY),
    Column("given_up_at", MOMENT),
    Column("deleted_at", MOMENT),
    Index(
        "ix_documents_listing",
        "owner_id",
        "submitted_at",
        "document_id",
        postgresql_where=_HERE,
        sqlite_where=_HERE,
    ),
    Index(
        "ix_documents_unparsed",
        "owner_id",
        "submitted_at",
        postgresql_where=_UNPARSED,
        sqlite_where=_UNPARSED,
    ),
)
"""One index has the documents of an owner in the order in which they are listed, the other those
that are still to be read."""

pages = Table(
    "pages",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("language", String(50)),
    Column("extracted", PartOfEvent),
    Column("extracted_characters", Integer),
    Column("edited", PartOfEvent),
    Column("edited_revision", Integer),
    Column("segments", PartOfEvent),
    Column("segments_revision", Integer),
    Column("segments_characters", Integer),
    Column("utterances", Integer),
    Column("failed_code", CODE),
    Column("failed_key", KEY),
    Column("failed_at", MOMENT),
)

document_details = Table(
    "document_details",
    metadata,
    Column("key", KEY, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("body", JSON),
    Column("reason", Text),
)
"""What the details of events say, by the key of the object, for as long as there is the document.

Not a read model, for no event holds it: a copy of the objects, kept when read models are rebuilt.
``body`` is what a document says of itself, ``reason`` the sentence of a failure; both are null if
the object could not be read."""
