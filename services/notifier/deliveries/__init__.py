"""Deliveries of notices: what handlers record, how jobs send it, and what becomes of each."""
