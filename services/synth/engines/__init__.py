"""Adapters of the speech port: one module for each engine, and what they share."""
