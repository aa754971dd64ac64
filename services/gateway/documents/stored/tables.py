"""Files that are kept for owners, and what they add up to.

Both follow from the read models: a file is what was handed in, the audio of a page with all that
belongs to it, or an audiobook. Texts of pages are not counted, for they are small.
"""

from sqlalchemy import BigInteger, Column, Integer, Table

from services.gateway.kernel.tables import ID, metadata

stored_files = Table(
    "stored_files",
    metadata,
    Column("file_id", ID, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("owner_id", ID, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
"""``file_id`` is that of the audio or audiobook; the document's own row has the document's id, and
no bytes if it came as a web address."""

owner_storage = Table(
    "owner_storage",
    metadata,
    Column("owner_id", ID, primary_key=True),
    Column("documents", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
"""The sums of ``stored_files`` by owner, written in the same transactions."""
