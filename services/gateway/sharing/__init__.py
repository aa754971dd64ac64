"""Sharing: who may do something with somebody else's document."""
