"""What services promise one another: events, formats, permissions, and their form on the wire."""
