"""What the tables of all features share, and tables that belong to none of them."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table

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
)
"""How often something about a document was recorded here: once for each event, or more."""

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
