"""Types of columns that take fewer bytes than the text that Python has of them."""

from sqlalchemy import String, Uuid

UuidText = Uuid(as_uuid=False).with_variant(String(36), "sqlite")
"""A UUID, as text in Python: 16 bytes on PostgreSQL, where text would take 37 and be larger in
each index as well."""
