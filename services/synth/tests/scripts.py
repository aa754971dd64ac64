"""What the tests have spoken: pages of utterances, and the requests for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.details import DETAILS, AudiobookContents, AudiobookPage
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.speech.utterances import Block, SegmentedPage, Span, Utterance
from libs.common.processing.job_kind import Job
from libs.common.storage.memory import MemoryStorage
from libs.common.store.effects import Effect

OWNER = UUID(int=1)
READER = UUID(int=2)
"""Who asked: somebody with whom the owner shares the document."""


def utterances(*texts: str, language: str = "en", pause_ms: int = 200) -> tuple[Utterance, ...]:
    """One for each text, as they stand on a page that has each on a line of its own."""
    made, at = [], 0
    for index, text in enumerate(texts):
        end = at + len(text)
        span = Span(spoken_start=0, spoken_end=len(text), source_start=at, source_end=end)
        made.append(
            Utterance(
                index=index,
                text=text,
                block=Block.PARAGRAPH,
                language=language,
                source_start=at,
                source_end=end,
                pause_ms=pause_ms,
                spans=(span,),
            )
        )
        at = end + 1
    return tuple(made)


async def requested(
    storage: MemoryStorage,
    *texts: str,
    language: str = "en",
    title: str | None = None,
    **more: Any,
) -> AudioRequested:
    """Store a page, which is in a chapter of such a title, and return the request to speak it."""
    page = SegmentedPage(
        title=title,
        language=language,
        utterances=utterances(*texts, language=language),
        omissions=(),
    )
    key = f"documents/{uuid4()}/segments/00001.r0.json"
    segments = await storage.write(key, page.encode(), DETAILS)
    return AudioRequested(
        **{
            "document_id": uuid4(),
            "audio_id": uuid4(),
            "owner_id": OWNER,
            "requested_by": READER,
            "page": 1,
            "revision": 0,
            "segmented_page": segments,
            "characters": page.characters,
            "engine": "espeak",
            "voice": "en-us",
            "rate": 1.0,
            "formats": ("m4a",),
            **more,
        }
    )


async def book_requested(
    storage: MemoryStorage, contents: AudiobookContents | None = None, **more: Any
) -> AudiobookRequested:
    """Store what a book is made of, one page if nothing is said, and return the request for it."""
    contents = contents or book_contents((1,))
    details = await storage.write(f"documents/{uuid4()}/book.json", contents.encode(), DETAILS)
    return AudiobookRequested(
        **{
            "document_id": uuid4(),
            "audiobook_id": uuid4(),
            "narration_id": uuid4(),
            "owner_id": OWNER,
            "requested_by": READER,
            "format": "m4b",
            "page_count": len(contents.pages),
            "details": details,
            **more,
        }
    )


SAID: Mapping[str, Any] = {
    "title": "The Book",
    "author": None,
    "language": "und",
    "chapters": (),
    "cover": None,
}
"""What a book says of which only the title is known."""


def book_contents(pages: Iterable[int], **more: Any) -> AudiobookContents:
    """Contents of a book of such pages, of which nothing else is known."""
    made = tuple(AudiobookPage(page=page, audio_id=uuid4()) for page in pages)
    return AudiobookContents(**{**SAID, "pages": made, **more})


def reference(key: str = "k") -> ObjectRef:
    """To an object that no one reads."""
    return ObjectRef(key=key, sha256="0" * 64, size=1, media_type="application/octet-stream")


@dataclass
class Running:
    """A job that runs once; ``recorded`` is what it committed on the way."""

    recorded: list[Any] = field(default_factory=list)

    def job(self, asked: AudioRequested) -> Job[AudioRequested]:
        async def record(effects: Sequence[Effect]) -> None:
            self.recorded += effects

        return Job(id=1, payload=asked, attempt=1, record=record)


@dataclass
class CountedMetrics:
    """Metrics of synthesis in plain numbers."""

    spoken: list[int] = field(default_factory=list)
    cached: int = 0
    seconds: list[float] = field(default_factory=list)

    def segment_spoken(self, engine, characters):
        self.spoken.append(characters)

    def segments_cached(self, count):
        self.cached += count

    def page_finished(self, seconds):
        self.seconds.append(seconds)


def deletion(document_id: UUID) -> DocumentDeleted:
    """Of a document, by its owner."""
    return DocumentDeleted(document_id=document_id, owner_id=OWNER, deleted_by=OWNER)
