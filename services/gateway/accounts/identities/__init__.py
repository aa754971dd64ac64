"""Logging in with other sites: Google, GitHub, and whoever speaks OpenID Connect."""
