"""What synth remembers besides its events."""

from sqlalchemy import Column, MetaData, String, Table

from libs.common.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

deleted_subjects = Table(
    "deleted_subjects", metadata, Column("subject", String(100), primary_key=True)
)
"""Tombstones of documents (``{document_id}``) and audios (``{document_id}/{audio_id}``)."""
