"""What stands between a client and a server in tests: a wire to cut, and PgBouncer."""
