"""The formats of documents that can be read."""

from enum import StrEnum


class DocumentFormat(StrEnum):
    """A format; its value is its media type (IANA)."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    EPUB = "application/epub+zip"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
