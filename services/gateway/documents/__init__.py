"""Documents and their pages: handed in, listed, read, edited, deleted."""
