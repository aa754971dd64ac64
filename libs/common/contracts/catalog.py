"""Every event that crosses a service boundary.

A document travels through these, top to bottom:

    DocumentSubmitted    gateway   -> ingest
    PageExtracted        ingest    -> segmenter, gateway
    DocumentParsed       ingest    -> gateway
    PageSegmented        segmenter -> gateway
    AudioRequested       gateway   -> synth
    AudioProgressed      synth     -> gateway
    AudioReady           synth     -> gateway, notifier, everybody
    AudiobookRequested   gateway   -> synth
    AudiobookReady       synth     -> gateway, notifier, everybody

A module of this folder is a subject; this one knows them all. A class that has a topic of its own
is an event, however many common bases it has; one without is a base.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from libs.common.contracts import (
    accounts,
    audio,
    documents,
    narrations,
    notifications,
    sharing,
    tasks,
)
from libs.common.contracts.base import Event

SUBJECTS = (accounts, documents, sharing, narrations, audio, notifications, tasks)


@cache
def every_event() -> tuple[type[Event], ...]:
    """All event classes, by subject, in the order of their declaration."""
    order = {subject.__name__: number for number, subject in enumerate(SUBJECTS)}
    found = dict.fromkeys(event for event in events_below(Event) if event.__module__ in order)
    return tuple(sorted(found, key=lambda event: order[event.__module__]))


def events_below(base: type[Event]) -> Iterator[type[Event]]:
    """Yield the event classes among all that derive from ``base``, directly or not."""
    for derived in base.__subclasses__():
        if "topic" in vars(derived):
            yield derived
        yield from events_below(derived)


@cache
def event_by_topic() -> Mapping[str, type[Event]]:
    """Event classes by topic, which is also ``ce_type``."""
    return {event.topic: event for event in every_event()}
