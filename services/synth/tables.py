"""What synth remembers besides its events."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from libs.common.store.bodies.uuid_text import UuidText
from libs.common.store.tables import NAMES

metadata = MetaData(naming_convention=NAMES)

owner_salts = Table(
    "owner_salts",
    metadata,
    Column("owner_id", String(36), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)
"""The secret of each owner in the names of segments; an ``owner_id`` of "" is everybody's."""

segment_packs = Table(
    "segment_packs",
    metadata,
    Column("pack_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document_id", UuidText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("last_used_at_ms", BigInteger, nullable=False),
    Index("ix_segment_packs_document_id", "document_id"),
    Index("ix_segment_packs_last_used_at_ms", "last_used_at_ms"),
)
"""Objects that hold segments; ``pack_id``, made at random, is the last part of the key."""

segments = Table(
    "segments",
    metadata,
    Column("digest", BigInteger, primary_key=True, autoincrement=False),
    Column("pack_id", BigInteger, nullable=False),
    Column("start", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Index("ix_segments_pack_id", "pack_id"),
    sqlite_with_rowid=False,
)
"""Where each segment file is: ``size`` bytes from ``start`` of its pack. ``digest`` is 64
bits of the file's."""

segment_cache_size = Table(
    "segment_cache_size",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("bytes", BigInteger, nullable=False),
)
"""One row, 1: the sizes of all packs. Whoever adds or removes packs holds it until the commit."""
