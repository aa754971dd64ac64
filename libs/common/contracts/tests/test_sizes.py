"""Every event has a bound, however long the document: long lists are objects of the document.

An event that a broker does not take would be given up, and whoever waits for it with it.
"""

from uuid import uuid4

import pytest

from libs.common.contracts.base import Event
from libs.common.contracts.catalog import every_event
from libs.common.contracts.narrations import NarrationCompleted, NarrationRequested
from libs.common.contracts.pages import MAX_RANGES, PageRange, page_ranges
from libs.common.contracts.tests.test_no_sentences import Schema, resolved, schema_of
from libs.common.store.event_store import MAX_EVENT_BYTES

BOUNDED_OTHERWISE = {"voices.announced": {"voices"}}
"""By its maker, which leaves voices out before the bytes are too many."""
LARGEST_TEXT = 512


def most_bytes(name: str, schema: Schema, root: Schema) -> int:
    """The most bytes that a value may have as JSON, with a name of its own."""
    schema = resolved(schema, root)
    around = len(name) + 5
    match schema["type"]:
        case "array":
            assert "maxItems" in schema, f"{name} has no bound"
            return around + int(schema["maxItems"]) * most_bytes("", schema["items"], root)
        case "object":
            parts = schema["properties"].items()
            return around + sum(most_bytes(part, of, root) for part, of in parts)
        case "string":
            return around + LARGEST_TEXT
        case _:
            return around + 25


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.topic)
def test_an_event_fits_whatever_is_in_it(event: type[Event]):
    schema = schema_of(event)
    apart = BOUNDED_OTHERWISE.get(event.topic, set())
    fields = {name: part for name, part in schema["properties"].items() if name not in apart}
    assert sum(most_bytes(name, part, schema) for name, part in fields.items()) < MAX_EVENT_BYTES


def test_the_most_scattered_pages_fit():
    scattered = tuple(PageRange(first=n, last=n) for n in range(90_000, 90_000 + 2 * MAX_RANGES, 2))
    common = {
        "document_id": uuid4(),
        "owner_id": uuid4(),
        "narration_id": uuid4(),
        "requested_by": uuid4(),
    }
    voice = {"engine": "espeak", "voice": "en", "rate": 1.0, "formats": ("m4a",)}
    asked = NarrationRequested.model_validate(
        {**common, **voice, "pages": scattered, "audiobook": None}
    )
    counts = {"pages_ready": 1, "pages_silent": 0, "pages_missing": MAX_RANGES}
    ended = NarrationCompleted(
        **common, **counts, pages_total=None, missing=scattered, duration_ms=1, audiobook_id=None
    )
    assert len(asked.encode()) < 50_000
    assert len(ended.encode()) < 50_000


def test_all_pages_of_a_long_book_are_one_range():
    assert page_ranges(range(1, 19_991)) == (PageRange(first=1, last=19_990),)
