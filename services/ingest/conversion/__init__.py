"""HTML -> Markdown: the one converter behind EPUB, HTML, web pages and Markdown."""
