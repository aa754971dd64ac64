"""Decides how it sounds: utterances become page audio, page audios become audiobooks.

Consumes: AudioRequested, AudioDeleted, AudiobookRequested, DocumentDeleted
Produces: AudioProgressed, AudioReady, AudioFailed, AudiobookReady, AudiobookFailed, VoicesAnnounced
"""
