"""Problems with documents, and with what is heard of them."""

from services.gateway.http.problem_details.problem_texts import ProblemTexts

DOCUMENT_PROBLEMS: ProblemTexts = {
    400: {
        "no_file": (
            "No file",
            "The form has no field named file; add one.",
        ),
        "two_files": (
            "Two files",
            "A form takes one file; send one form for each.",
        ),
    },
    409: {
        "no_links": (
            "No links",
            "This site has no key to sign links with. Ask who runs it, or send a token.",
        ),
        "not_ready": (
            "Not ready",
            "It exists, but what you asked for is not made yet. Watch the document, or ask later.",
        ),
        "already_ended": (
            "Already ended",
            "It has ended, so there is nothing to stop. What was made of it is there.",
        ),
        "nothing_to_retry": (
            "Nothing to retry",
            "Only what has failed can be tried again. It is under way still, or there already.",
        ),
        "quota_exceeded": (
            "Quota exceeded",
            "You have as much as this site allows. The answer says what to wait for or to delete.",
        ),
    },
    422: {
        "bad_order": (
            "Bad order",
            "An order of pages names each page of the document once, in at most 1,000 runs such as "
            "`1-5`.",
        ),
        "too_many_pages": (
            "Too many pages",
            "The document has as many pages as it may. Hand the text in as another document.",
        ),
        "bad_title": (
            "Bad title",
            "A title is one line of at most 255 characters, without control characters and without "
            "those that change the direction of text.",
        ),
        "bad_text": (
            "Not text",
            "The text holds characters that are not text, such as NUL. Remove them.",
        ),
        "bad_url": (
            "Bad web address",
            "The web address is too long, or holds a user name or a password.",
        ),
        "empty": (
            "Empty",
            "There is nothing in it. Send something that has text.",
        ),
        "no_such_format": (
            "No such format",
            "This audio was made in other formats. Ask for one of them, or for a new narration.",
        ),
        "no_such_page": (
            "No such page",
            "The document has fewer pages. Ask for those that it has.",
        ),
        "unknown_engine": (
            "Unknown engine",
            "There is no such engine. List engines to see all.",
        ),
        "unknown_voice": (
            "Unknown voice",
            "There is no such voice. List voices to see all.",
        ),
        "document_rejected": (
            "Document rejected",
            "The document could not be read, so nothing of it can be heard. `failure` of the "
            "document says why.",
        ),
        "unsupported": (
            "Unsupported file",
            "This kind of file cannot be read. Send a PDF, EPUB, Word (.docx), Markdown, HTML or "
            "plain text file.",
        ),
        "too_slow": (
            "Upload too slow",
            "The file took longer to arrive than this site waits. Send it again.",
        ),
    },
    429: {
        "too_many_documents": (
            "Too many documents at once",
            "As many documents of yours as one may have are just being taken in. Wait as long as "
            "Retry-After says.",
        ),
        "too_many_streams": (
            "Too many event streams",
            "You have as many event streams open as one may. Close one first.",
        ),
    },
}
