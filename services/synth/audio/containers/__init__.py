"""Packets into files that play: containers, tags, covers."""
