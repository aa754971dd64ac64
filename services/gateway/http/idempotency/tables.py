"""Which keys were used for what, and what was answered."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from services.gateway.kernel.tables import ID, MOMENT, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("token", ID, nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("created_at", MOMENT, nullable=False, index=True),
    Column("fingerprint", String(64)),
    Column("committed_at", MOMENT),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    Column("document_id", ID, index=True),
)
"""A row is there from when a request with the key begins. ``token`` is of whoever works on it,
until ``lease_until_ms`` unless they renew it; ``committed_at`` is set in the transaction that makes
what was asked for. ``document_id`` is what the answer is about: it goes with the document."""
