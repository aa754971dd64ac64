"""One parser for each format: a file in, pages out."""
