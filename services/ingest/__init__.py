"""Finds out what a document says: files, texts and web addresses become Markdown, page by page.

Consumes: DocumentSubmitted, DocumentRetried, DocumentDeleted
Produces: PageExtracted, DocumentParsed, DocumentRejected
"""
