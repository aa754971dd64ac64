"""How tables hold the JSON of events: compressed, on PostgreSQL."""
