"""Servers, fixtures and the report of what the tests ran against."""
