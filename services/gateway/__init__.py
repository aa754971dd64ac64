"""Who may do what to which document, what is to be spoken next, and what people see.

Consumes: PageExtracted, PageSegmented, DocumentParsed, DocumentRejected, VoicesAnnounced,
    AudioProgressed, AudioReady, AudioFailed, AudiobookReady, AudiobookFailed, TaskFailed
Produces: DocumentSubmitted, DocumentRenamed, DocumentRetried, DocumentReordered, DocumentDeleted,
    PageAdded, PageEdited, NarrationRequested, NarrationCompleted, NarrationFailed,
    NarrationCanceled, AudioRequested, AudioDeleted, AudiobookRequested, AudiobookDeleted,
    UserRegistered, UserAddressAdded, UserAddressChanged, UserDisabled, UserEnabled, UserDeleted,
    AccountMailRequested, ShareGranted, ShareClaimed, ShareChanged, ShareEnded,
    ShareMailRequested, ListenLinkMade, ListenLinkEnded
"""
