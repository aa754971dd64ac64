"""One service as a process: put together, started, served, drained."""
