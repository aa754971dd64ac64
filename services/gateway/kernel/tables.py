"""What the tables of all features share, and tables that belong to none of them."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

from libs.common.store.bodies.uuid_text import UuidText
from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

ID = UuidText
MOMENT = String(32)
CODE = String(50)
KEY = String(512)

document_changes = Table(
    "document_changes",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("changes", BigInteger, nullable=False),
    Column("changed_at_s", BigInteger, nullable=False, server_default="0"),
    Index("ix_document_changes_changed_at_s", "changed_at_s"),
)
"""How often something about a document was recorded here: once for each event, or more; and when it
was last, in whole seconds since 1970 of the database's clock. It changes once a second at most, for
rows whose indexed columns stay as they are cost PostgreSQL less."""

rebuilds = Table(
    "rebuilds",
    metadata,
    Column("tables", String(500), primary_key=True),
    Column("own", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("received_id", ID, nullable=False),
    Column("until_own", BigInteger),
    Column("until_received_ms", BigInteger),
    Column("passes", Integer, nullable=False),
    Column("projected", BigInteger, nullable=False),
    Column("swapped", Boolean, nullable=False),
    Column("code_digest", String(64), nullable=False),
)
"""How far a rebuild of read models has come, in one row; none when there is no rebuild."""
