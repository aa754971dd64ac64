"""POST requests that may be sent twice, and make one thing: the header Idempotency-Key."""
