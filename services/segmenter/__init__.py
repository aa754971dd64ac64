"""Decides how a page is cut for speaking: Markdown becomes utterances.

Consumes: PageExtracted, PageAdded, PageEdited, DocumentDeleted
Produces: PageSegmented
"""
