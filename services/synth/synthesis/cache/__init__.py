"""Spoken segments, kept so that they are not spoken again.

``digests`` names a segment by what it is made of and ``owner_salts`` keeps that name from being
guessed; ``pack_file`` holds the segments of a page in one object, ``segment_index`` knows where
each is. ``segment_cache`` finds and keeps them, ``pack_writer`` gathers them while a page is
spoken, ``eviction`` removes what was used least recently.
"""
