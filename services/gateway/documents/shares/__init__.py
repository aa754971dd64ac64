"""Sharing a document: what its owner, and whoever may share it, can do and see."""
