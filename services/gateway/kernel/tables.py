"""What the tables of all features share, and the table that counts changes."""

from sqlalchemy import BigInteger, Column, MetaData, String, Table

from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

ID = String(36)
MOMENT = String(32)
CODE = String(50)
KEY = String(512)

document_changes = Table(
    "document_changes",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("changes", BigInteger, nullable=False),
)
"""How often something about a document was recorded here: once for each event, or more."""
