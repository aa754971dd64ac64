"""Accounts as a whole: made for somebody, closed, opened again, deleted."""
