"""Server-sent events: a snapshot of a document's status, then what changes.

Source of the format: the HTML standard, section "Server-sent events". A client that comes back with
Last-Event-ID gets a snapshot like everybody else, so it misses nothing. Nothing is queued: a slow
client sees fewer and larger steps, because each step compares what it was sent with what is so now.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import uuid4

from libs.common.database.wakeups import Wakeup
from libs.common.errors import Transient
from services.gateway.kernel.changes import Changes
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.views import View
from services.gateway.watching.status import Status, Watch

HEARTBEAT_S = 15.0
LONGEST_S = 60 * 60.0
"""Then the stream ends and the client comes back by itself, with a token that is checked again."""
PAUSE_S = 0.1
"""Between two looks, however often it is woken."""

Parts = dict[tuple[str, str], dict[str, Any]]
"""What is compared one by one, by kind and identity."""
News = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class StreamPace:
    """How often a stream looks and says that it lives, in seconds."""

    heartbeat_s: float = HEARTBEAT_S
    longest_s: float = LONGEST_S
    pause_s: float = PAUSE_S


async def status_events(
    watch: Watch, changes: Changes, pace: StreamPace
) -> AsyncGenerator[str, None]:
    """Yield the stream, until the document is gone or the service stops.

    Raises:
        NotFound: There is no such document for the caller; raised before anything is yielded.
    """
    parts: Parts = {}
    said_at = monotonic()
    with changes.watching(watch.document_id) as wakeup:
        async with aclosing(_looks(watch, changes, wakeup, pace)) as looks:
            async for status in looks:
                news: list[News] = []
                if status is not None:
                    now = _parts(status)
                    news = _differences(parts, now) if parts else [("snapshot", _snapshot(now))]
                    parts = now
                for kind, value in news:
                    yield _event(kind, value)
                if news:
                    said_at = monotonic()
                elif monotonic() >= said_at + pace.heartbeat_s:
                    yield ": alive\n\n"
                    said_at = monotonic()
            if not changes.closed and await _is_gone(watch):
                yield _event("deleted", {"document_id": str(watch.document_id)})


async def _looks(
    watch: Watch, changes: Changes, wakeup: Wakeup, pace: StreamPace
) -> AsyncGenerator[Status | None, None]:
    """Yield the status whenever it is another one, and None from time to time in between."""
    ends_at = monotonic() + pace.longest_s
    changes_seen, status = await watch.look(None)
    yield status
    while not changes.closed and monotonic() < ends_at:
        await wakeup.wait(min(changes.poll_interval_s, pace.heartbeat_s))
        try:
            changes_seen, status = await watch.look(changes_seen)
        except (NotFound, Transient):
            return  # gone, or to be asked again by a client that comes back
        yield status
        await asyncio.sleep(pace.pause_s)


async def _is_gone(watch: Watch) -> bool:
    try:
        await watch.look(None)
    except NotFound:
        return True
    except Transient:
        return False
    return False


def _parts(status: Status) -> Parts:
    views: list[tuple[str, str, View]] = [("document", "", status.document)]
    views += [("page", str(page.page), page) for page in status.pages]
    views += [("audio", str(audio.audio_id), audio) for audio in status.audios]
    views += [("narration", str(view.narration_id), view) for view in status.narrations]
    return {(kind, name): view.model_dump(mode="json") for kind, name, view in views}


def _snapshot(parts: Parts) -> dict[str, Any]:
    def of(wanted: str) -> list[dict[str, Any]]:
        return [value for (kind, _), value in parts.items() if kind == wanted]

    return {
        "document": of("document")[0],
        "pages": of("page"),
        "audios": of("audio"),
        "narrations": of("narration"),
    }


def _differences(before: Parts, now: Parts) -> list[News]:
    news: list[News] = [
        (f"{kind}_deleted", {f"{kind}_id": name}) for kind, name in before.keys() - now.keys()
    ]
    return news + [
        (kind, value) for (kind, name), value in now.items() if before.get((kind, name)) != value
    ]


def _event(kind: str, value: dict[str, Any]) -> str:
    """One event; the id tells a client that it may resume, though it need not be understood."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\nid: {uuid4().hex}\ndata: {data}\n\n"
