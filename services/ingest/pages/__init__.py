"""What all formats become: Markdown, cut into pages."""
