"""Decides how a page is cut for speaking: Markdown becomes utterances.

Consumes: PageExtracted, PageEdited, DocumentDeleted
Produces: PageSegmented
"""
