"""Objects by key: one port, kept in folders, buckets or memory."""
