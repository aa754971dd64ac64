"""Tells people, by mails and signed webhooks: what is ready, what failed, what is theirs to know.

Consumes: AudioReady, AudiobookReady, NarrationCompleted, NarrationFailed, AudioFailed,
    AudiobookFailed, DocumentRejected, DocumentDeleted, TaskFailed, AccountMailRequested,
    ShareMailRequested, UserRegistered, UserAddressChanged, UserDisabled, UserEnabled, UserDeleted
Produces: NotificationSent, NotificationFailed
"""
