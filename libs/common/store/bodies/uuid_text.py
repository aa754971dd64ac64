"""Types of columns that take fewer bytes than the text that Python has of them."""

from uuid import UUID

from sqlalchemy import String, Uuid

UuidText = Uuid(as_uuid=False).with_variant(String(36), "sqlite")
"""A UUID, as text in Python: 16 bytes on PostgreSQL, where text would take 37 and be larger in
each index as well."""

NO_UUID = str(UUID(int=0))
"""Nothing has it, and all others follow it."""
