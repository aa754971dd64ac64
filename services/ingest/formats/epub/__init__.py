"""EPUB -> pages."""
