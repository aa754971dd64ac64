"""Tells people: mails and signed webhooks about what is ready and what failed.

Consumes: AudioReady, AudiobookReady, NarrationCompleted, NarrationFailed, AudioFailed,
    AudiobookFailed, DocumentRejected, DocumentDeleted, TaskFailed
Produces: NotificationSent, NotificationFailed
"""
