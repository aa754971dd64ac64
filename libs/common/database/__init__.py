"""One way to PostgreSQL and SQLite."""
