"""Narrations: what somebody asked to hear, dispatched page by page, and how far it is."""
