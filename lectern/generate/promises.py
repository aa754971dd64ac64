"""What others may rely on for ever: every event, and every object that events refer to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.common.contracts.base import Event
from libs.common.contracts.catalog import every_event
from libs.common.contracts.details import (
    AudiobookContents,
    Details,
    DocumentTitle,
    FailureDetails,
    MailDetails,
    PageText,
    ParsedDocument,
    ShareDetails,
    ShareMailDetails,
    SubmittedDocument,
    UserDetails,
)
from libs.common.contracts.speech.timings import Timings
from libs.common.contracts.speech.utterances import SegmentedPage

EVENTS = "docs/events"
DETAILS = "docs/events/details"
EVERY_DETAILS: Sequence[type[Details]] = (
    SubmittedDocument,
    DocumentTitle,
    ParsedDocument,
    PageText,
    SegmentedPage,
    Timings,
    AudiobookContents,
    ShareDetails,
    ShareMailDetails,
    FailureDetails,
    UserDetails,
    MailDetails,
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One event or one kind of details, at its current version.

    ``name`` is that of files: the topic of an event, the class of details.
    """

    kind: type[Event] | type[Details]
    name: str
    version: int
    folder: str

    def schema_path(self, root: Path, version: int | None = None) -> Path:
        """Where the schema of a version is, the current one unless another is named."""
        return root / self.folder / "schemas" / f"{self.name}.v{version or self.version}.json"

    def sample_path(self, root: Path, version: int | None = None) -> Path:
        """Where the golden sample of a version is."""
        return root / self.folder / "golden" / self.name / f"v{version or self.version}.json"


def every_promise() -> tuple[Promise, ...]:
    """Return all of them: the events, then the details."""
    return (
        *(
            Promise(kind=event, name=event.topic, version=event.version, folder=EVENTS)
            for event in every_event()
        ),
        *(
            Promise(kind=kind, name=kind.__name__, version=kind.version, folder=DETAILS)
            for kind in EVERY_DETAILS
        ),
    )
