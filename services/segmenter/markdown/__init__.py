"""What a page holds: its Markdown as passages that are read one after the other."""
