"""Lectern on this machine without containers: ``make up-native`` and ``make down-native``."""
