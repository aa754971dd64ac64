"""Whether a worker has room for a job now."""
