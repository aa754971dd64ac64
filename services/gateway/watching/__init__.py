"""Watching a document: a snapshot, then what changes, as it changes."""
