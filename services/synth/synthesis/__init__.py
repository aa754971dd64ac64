"""Utterances become segments of audio.

``segments`` finds out what has to be spoken, ``claims`` keeps two pages from speaking the same and
``batches`` shares it out. ``registry`` knows the engines, ``engine_worker`` runs in their processes,
``cache`` keeps what was spoken.
"""
