"""Documents that are renamed, read again, put in order and listed; audio that is stopped."""

from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

from libs.common.store.bodies.uuid_text import UuidText

revision = "0008"
down_revision = "0007"

MOMENT = sa.String(32)
KEY = sa.String(512)
BY_BYTES = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
AT_ONCE = 1000


def upgrade() -> None:
    for column in (
        sa.Column("renamed_revision", sa.Integer),
        sa.Column("renamed_key", KEY),
        sa.Column("retried_attempt", sa.Integer),
        sa.Column("retried_at", MOMENT),
        sa.Column("rejected_attempt", sa.Integer),
        sa.Column("last_added", sa.Integer),
        sa.Column("reordered_revision", sa.Integer),
        sa.Column("page_order", sa.JSON),
        sa.Column("reordered_at", MOMENT),
    ):
        op.add_column("documents", column)
    op.add_column("pages", sa.Column("added_at", MOMENT))
    op.add_column("narrations", sa.Column("page_count", sa.Integer))
    op.add_column("narrations", sa.Column("canceled_at", MOMENT))
    op.add_column("audiobooks", sa.Column("deleted_at", MOMENT))
    op.create_table(
        "document_listings",
        sa.Column("document_id", UuidText, nullable=False),
        sa.Column("owner_id", UuidText, nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("folded_title", sa.Text, nullable=False),
        sa.Column("sort_key", BY_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_listings"),
    )
    _list_documents(op.get_bind())
    for name, sorted_by in {
        "submitted": "submitted_at",
        "updated": "updated_at",
        "title": "sort_key",
    }.items():
        op.create_index(
            f"ix_document_listings_{name}",
            "document_listings",
            ["owner_id", sorted_by, "document_id"],
        )


def _list_documents(connection: sa.Connection) -> None:
    """List the documents that there are, by the titles that their details say."""
    details = sa.table("document_details", sa.column("key"), sa.column("body", sa.JSON))
    documents = sa.table(
        "documents",
        sa.column("document_id", UuidText),
        sa.column("owner_id", UuidText),
        *map(
            sa.column,
            ("submitted_key", "submitted_at", "parsed_key", "parsed_at", "rejected_at"),
        ),
        sa.column("deleted_at"),
    )
    listings = sa.table(
        "document_listings",
        sa.column("document_id", UuidText),
        sa.column("owner_id", UuidText),
        *map(sa.column, ("submitted_at", "updated_at", "folded_title", "sort_key")),
    )
    submitted, parsed = details.alias("submitted"), details.alias("parsed")
    wanted = (
        sa.select(
            documents.c.document_id,
            documents.c.owner_id,
            documents.c.submitted_at,
            sa.func.coalesce(
                documents.c.parsed_at, documents.c.rejected_at, documents.c.submitted_at
            ).label("updated_at"),
            submitted.c.body.label("submitted"),
            parsed.c.body.label("parsed"),
        )
        .select_from(
            documents.outerjoin(submitted, submitted.c.key == documents.c.submitted_key).outerjoin(
                parsed, parsed.c.key == documents.c.parsed_key
            )
        )
        .where(documents.c.owner_id.is_not(None), documents.c.deleted_at.is_(None))
    )
    rows = connection.execute(wanted).mappings()
    for some in rows.partitions(AT_ONCE):
        connection.execute(listings.insert(), [_listing(row) for row in some])


def _listing(row: Mapping[Any, Any]) -> dict[str, Any]:
    submitted, parsed = row["submitted"] or {}, row["parsed"] or {}
    names = (
        submitted.get("title"),
        parsed.get("title"),
        submitted.get("filename") or submitted.get("url"),
    )
    title = next((name.strip() for name in names if name and name.strip()), "Untitled")[:255]
    folded = normalize("NFKC", normalize("NFKC", title).casefold())
    known = {name: row[name] for name in ("document_id", "owner_id", "submitted_at", "updated_at")}
    return known | {"folded_title": folded, "sort_key": folded[:200]}
