"""Decides how it sounds: utterances become page audio, page audios become audiobooks.

Consumes: AudioRequested, AudioDeleted, AudiobookRequested, AudiobookDeleted, DocumentDeleted
Produces: AudioProgressed, AudioReady, AudioFailed, AudiobookReady, AudiobookFailed, VoicesAnnounced
"""
