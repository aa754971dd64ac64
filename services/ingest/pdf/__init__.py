"""PDF -> pages: fragments -> furniture -> columns -> paragraphs -> stitch, driven by reader."""

from services.ingest.pdf.reader import parse

__all__ = ["parse"]
