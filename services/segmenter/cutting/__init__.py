"""Where a page is cut: sentences, clauses, and the silences between."""
