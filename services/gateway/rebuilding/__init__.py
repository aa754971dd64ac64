"""Rebuilding: read models are folded anew beside those in use, and then take their place."""
