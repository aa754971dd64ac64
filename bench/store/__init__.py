"""Measurements of what the tables of every service cost: events, outbox, inbox and jobs."""
