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

from pydantic import BaseModel

from libs.common.database import Bell
from libs.common.errors import Transient
from services.gateway.api.models import (
    AudioStandingModel,
    DocumentModel,
    NarrationModel,
    PageStandingModel,
)
from services.gateway.changes import Changes
from services.gateway.problems import NotFound
from services.gateway.status import Status, Watch

HEARTBEAT_S = 15.0
LONGEST_S = 60 * 60.0
"""Then the stream ends and the client comes back by itself, with a token that is checked again."""
PAUSE_S = 0.1
"""Between two looks, however often the bell rings."""

Parts = dict[tuple[str, str], dict[str, Any]]
"""What is compared one by one, by kind and identity."""
News = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Pace:
    """How often a stream looks and says that it lives, in seconds."""

    heartbeat_s: float = HEARTBEAT_S
    longest_s: float = LONGEST_S
    pause_s: float = PAUSE_S


async def follow(watch: Watch, changes: Changes, pace: Pace) -> AsyncGenerator[str, None]:
    """Yield the stream, until the document is gone or the service stops.

    Raises:
        NotFound: There is no such document for the caller; raised before anything is yielded.
    """
    parts: Parts = {}
    said_at = monotonic()
    with changes.watching(watch.document_id) as bell:
        async with aclosing(_looks(watch, changes, bell, pace)) as looks:
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
    watch: Watch, changes: Changes, bell: Bell, pace: Pace
) -> AsyncGenerator[Status | None, None]:
    """Yield the status whenever it is another one, and None from time to time in between."""
    ends_at = monotonic() + pace.longest_s
    stamp, status = await watch.look(None)
    yield status
    while not changes.closed and monotonic() < ends_at:
        await bell.wait(min(changes.poll_interval_s, pace.heartbeat_s))
        try:
            stamp, status = await watch.look(stamp)
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
    models: list[tuple[str, str, BaseModel]] = [
        ("document", "", DocumentModel.model_validate(status.document))
    ]
    models += [
        ("page", str(each.page), PageStandingModel.model_validate(each)) for each in status.pages
    ]
    models += [
        ("audio", str(each.audio_id), AudioStandingModel.model_validate(each))
        for each in status.audios
    ]
    models += [
        ("narration", str(each.narration_id), NarrationModel.model_validate(each))
        for each in status.narrations
    ]
    return {(kind, name): model.model_dump(mode="json") for kind, name, model in models}


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
