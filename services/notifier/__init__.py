"""Tells people: mails and signed webhooks about what is ready and what failed, mails of accounts.

Consumes: AudioReady, AudiobookReady, NarrationCompleted, NarrationFailed, AudioFailed,
    AudiobookFailed, DocumentRejected, DocumentDeleted, TaskFailed, AccountMailRequested,
    UserRegistered, UserAddressChanged, UserDisabled, UserEnabled, UserDeleted
Produces: NotificationSent, NotificationFailed
"""
