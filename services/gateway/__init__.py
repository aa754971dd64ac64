"""Who may do what to which document, what is to be spoken next, and what people see.

Consumes: PageExtracted, PageSegmented, DocumentParsed, DocumentRejected, VoicesAnnounced,
    AudioProgressed, AudioReady, AudioFailed, AudiobookReady, AudiobookFailed, TaskFailed
Produces: DocumentSubmitted, DocumentDeleted, PageEdited, NarrationRequested, NarrationCompleted,
    NarrationFailed, AudioRequested, AudioDeleted, AudiobookRequested, UserRegistered,
    UserAddressAdded, UserAddressChanged, UserDisabled, UserEnabled, UserDeleted,
    AccountMailRequested, ShareGranted, ShareClaimed, ShareChanged, ShareEnded
"""
