"""What ingest remembers besides its events."""

from sqlalchemy import Column, MetaData, String, Table

from libs.common.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

deleted_documents = Table(
    "deleted_documents", metadata, Column("document_id", String(36), primary_key=True)
)
"""Tombstones: a deletion may overtake the submission, and a deleted document never comes back."""
