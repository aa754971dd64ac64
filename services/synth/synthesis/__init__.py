"""Utterances become segments of audio.

``segments`` finds out what has to be spoken, ``claims`` keeps two pages from speaking the same and
``batches`` shares it out. ``registry`` knows the engines, which ``engine_worker`` runs in processes
of their own, and ``cache`` keeps what was spoken.
"""
