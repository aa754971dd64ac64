"""Types of columns that take few bytes on PostgreSQL: UUIDs, and the JSON of events."""
