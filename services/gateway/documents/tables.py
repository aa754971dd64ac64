"""The read models of documents and pages, and what the objects say that their events refer to.

Read models are pure folds of events: every event sets columns of its own, so that the result does
not depend on how topics interleave. Columns that end in ``_key`` name an object of the document.
"""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, and_, column

from libs.common.store.bodies.event_body import PartOfEvent
from services.gateway.kernel.tables import CODE, ID, KEY, MOMENT, metadata

BY_BYTES = String(200).with_variant(String(200, collation="C"), "postgresql")
"""A text that is ordered by its code points, whatever the locale of the database."""

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
    Column("renamed_revision", Integer),
    Column("renamed_key", KEY),
    Column("retried_attempt", Integer),
    Column("retried_at", MOMENT),
    Column("rejected_attempt", Integer),
    Column("last_added", Integer),
    Column("reordered_revision", Integer),
    Column("page_order", JSON),
    Column("reordered_at", MOMENT),
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
"""One index has the documents of an owner, the other those that are still to be read."""

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
    Column("added_at", MOMENT),
)

document_listings = Table(
    "document_listings",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("owner_id", ID, nullable=False),
    Column("submitted_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    Column("folded_title", Text, nullable=False),
    Column("sort_key", BY_BYTES, nullable=False),
    Index("ix_document_listings_submitted", "owner_id", "submitted_at", "document_id"),
    Index("ix_document_listings_updated", "owner_id", "updated_at", "document_id"),
    Index("ix_document_listings_title", "owner_id", "sort_key", "document_id"),
)
"""Documents as they are listed, in one index for each order; see ``listing/``.

Not a read model, for no event holds a title: kept when read models are rebuilt, and written anew
when details are read again."""

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
