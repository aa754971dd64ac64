"""Word (.docx) -> pages."""
