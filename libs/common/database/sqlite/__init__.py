"""SQLite as a service uses it: from an event loop, by one writer at a time."""
