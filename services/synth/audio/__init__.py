"""From an engine's PCM to pages and books that can be played.

In the order in which audio passes through:

    codecs, loudness, produce               PCM to a segment file that can be cached
    containers, mp4, muxing, page, book     segment files to a page, pages to a book
    placement, captions                     when each sentence and word is heard
    assembly                                all that is made of a page, or of a book

Everything is synchronous and takes picklable arguments; it runs in worker processes.
"""
