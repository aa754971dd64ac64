"""What mails say: what happened, and what to do.

Of a document they name the title of an audiobook, and the reason of a failure, which may quote it.
Both are in the details of an event, and treated as foreign: one line, of limited length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.audio import AudiobookFailed, AudiobookReady, AudioFailed, AudioReady
from libs.common.contracts.base import Event
from libs.common.contracts.details import AudiobookContents, Details, FailureDetails, title_of
from libs.common.contracts.documents import DocumentRejected
from libs.common.contracts.narrations import NarrationCompleted, NarrationEnded, NarrationFailed
from libs.common.contracts.pages import PageRange, count_in, page_ranges, ranges_as_text
from libs.common.contracts.tasks import TaskFailed
from libs.common.errors import Permanent

MAX_CHARACTERS_OF_TITLE = 150
"""Fewer than a title may have, for it stands in the subject of a mail."""
MAX_RANGES = 40
MINUTE_MS = 60_000
HOUR_MINUTES = 60


@dataclass(frozen=True)
class MailText:
    """A subject of one line, and plain text."""

    subject: str
    body: str


def mail_text(
    event: Event,
    details: Details | None = None,
    *,
    pages: Sequence[int] = (),
    notices: int = 1,
    public_url: str | None = None,
) -> MailText:
    """Return what a mail about ``event`` says; ``details`` are those of the event, if it has any.

    ``notices`` events like this one go out together; they are about ``pages`` (ascending, each
    once). ``public_url`` is where people find documents.

    Raises:
        Permanent: There are no words for this type of event.
    """
    subject, *sentences = _told(event, details, pages, notices)
    document_id: UUID | None = getattr(event, "document_id", None)
    if document_id is not None and public_url:
        sentences.append(f"The document: {public_url.rstrip('/')}/documents/{document_id}")
    elif document_id is not None:
        sentences.append(f"The document: {document_id}")
    return MailText(one_line(subject), "\n\n".join(sentences) + "\n")


def _told(
    event: Event, details: Details | None, pages: Sequence[int], notices: int
) -> tuple[str, ...]:
    """Return the subject and the paragraphs."""
    match event:
        case AudioReady():
            return _audio_ready(pages or [event.page])
        case AudiobookReady():
            return _audiobook_ready(event, details)
        case NarrationCompleted():
            return _narration_completed(event)
        case NarrationFailed():
            return (
                "Nothing of a document could be spoken",
                "Audio of a document was asked for, and none could be made.",
                *_missing(event),
                f"Why: {_reason(event.code, details)}",
                "Ask for the audio again when the cause is gone.",
            )
        case DocumentRejected():
            return (
                "A document could not be read",
                "A document was handed in that cannot be turned into audio.",
                f"Why: {_reason(event.code, details)}",
                "Correct the file or choose another one, and hand it in again.",
            )
        case AudioFailed():
            return _audio_failed(event, details, pages or [event.page])
        case AudiobookFailed():
            return (
                "An audiobook could not be made",
                "The pages of a document were to become one audiobook, and that failed.",
                f"Why: {_reason(event.code, details)}",
                "What was spoken is kept. Ask for the audiobook again when the cause is gone.",
            )
        case TaskFailed():
            return _task_failed(event, details, pages, notices)
        case _:
            raise Permanent(f"there are no words for {event.topic}")


def _audio_ready(pages: Sequence[int]) -> tuple[str, ...]:
    which = page_list(pages)
    return (
        f"{which} can be heard",
        f"{which} of a document {_be(pages)} spoken, complete.",
        "Open the document to listen.",
    )


def _narration_completed(event: NarrationCompleted) -> tuple[str, ...]:
    length = duration(event.duration_ms)
    ready = _count(event.pages_ready, "page")
    return (
        "A document can be heard" + (", in part" if event.pages_missing else ""),
        f"Audio of a document was asked for: {ready} can be heard, {length} in all.",
        *_missing(event),
        "Open the document to listen.",
    )


def _missing(event: NarrationEnded) -> tuple[str, ...]:
    if not event.missing:
        return ()
    return (f"{range_list(event.missing)} could not be made audible.",)


def _audiobook_ready(event: AudiobookReady, details: Details | None) -> tuple[str, ...]:
    found = details.title if isinstance(details, AudiobookContents) else None
    title = title_of(one_line(found or ""))[:MAX_CHARACTERS_OF_TITLE]
    chapters = f", in {_count(event.chapter_count, 'chapter')}" if event.chapter_count else ""
    length = duration(event.duration_ms)
    return (
        f"Audiobook ready: {title}",
        f"“{title}” can be heard as one file. It is {length} long{chapters}.",
        f"Open the document to listen, or to download it as {event.format.upper()}.",
    )


def _audio_failed(
    event: AudioFailed, details: Details | None, pages: Sequence[int]
) -> tuple[str, ...]:
    which = page_list(pages)
    return (
        f"{which} could not be spoken",
        f"{which} of a document could not be spoken. The other pages are not affected.",
        f"Why: {_reason(event.code, details)}",
        "Ask for the audio again when the cause is gone.",
    )


def _task_failed(
    event: TaskFailed, details: Details | None, pages: Sequence[int], notices: int
) -> tuple[str, ...]:
    where = f" ({page_list(pages).lower()})" if pages else ""
    times = f" {notices} times" if notices > 1 else ""
    attempts = _count(event.attempts, "attempt")
    return (
        f"Work was given up: {event.service}, {event.kind}",
        f"The {event.service} service gave up {event.kind}{times}{where}, after {attempts}.",
        f"Why: {_reason(event.code, details)}",
        f"The service's log has more; look for task {event.task_id}. "
        "When the cause is gone, the work has to be asked for again.",
    )


def page_list(pages: Sequence[int]) -> str:
    """Return ascending page numbers in words: ``Pages 1-3, 7 and 9``."""
    return range_list(page_ranges(pages))


def range_list(ranges: Sequence[PageRange]) -> str:
    """Return ascending ranges in words, as :func:`page_list` does."""
    shown = [ranges_as_text([run]) for run in ranges[: MAX_RANGES + 1]]
    if len(shown) > MAX_RANGES:
        shown = [*shown[:MAX_RANGES], "others"]
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"Page {listed}" if count_in(ranges) == 1 else f"Pages {listed}"


def duration(milliseconds: int) -> str:
    """Return a length in words, to the minute: ``9 hours and 12 minutes``."""
    minutes = round(milliseconds / MINUTE_MS)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, HOUR_MINUTES)
    parts = [_count(hours, "hour")] * bool(hours) + [_count(minutes, "minute")] * bool(minutes)
    return " and ".join(parts)


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, control and formatting characters."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return re.sub(r"\s+", " ", printable).strip()


def _reason(code: str, details: Details | None) -> str:
    """Return the sentence of a failure; its code alone where the sentence is gone."""
    if not isinstance(details, FailureDetails):
        return f"code {code}."
    return f"{one_line(details.reason)} (code {code})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _be(pages: Sequence[int]) -> str:
    return "is" if len(pages) == 1 else "are"
