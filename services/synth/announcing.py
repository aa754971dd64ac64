"""Tells the other services which voices there are, when that has changed.

Engines name their voices as they like, and events do not take every name: a voice that cannot be
asked for is left out, and the others are announced.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import structlog
from pydantic import TypeAdapter, ValidationError

from libs.common.contracts.audio import (
    MAX_NAME_CHARACTERS,
    MAX_VOICES,
    VoiceInfo,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event
from libs.common.contracts.identifiers import Name, VoiceName, as_language
from libs.common.database.engine import Database
from libs.common.store.event_store import MAX_EVENT_BYTES, append, load
from services.synth.engines.build import ENGINES
from services.synth.engines.port import Voice
from services.synth.synthesis.engine_worker import EngineInfo
from services.synth.synthesis.registry import EngineRegistry

log = structlog.get_logger(__name__)

MAX_BYTES = MAX_EVENT_BYTES * 9 // 10
"""Of the voices in one event; what is around them needs far less than the rest."""

_STREAMS = [VoicesAnnounced.stream_of(engine=name) for name in ENGINES]
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_VOICE_NAME: TypeAdapter[str] = TypeAdapter(VoiceName)


async def announce(database: Database, registry: EngineRegistry) -> None:
    """Append an announcement for every engine whose voices have changed.

    The default engine is announced again after another one was: the last one that was announced as
    the default is the default.
    """
    default = next(iter(registry.engines), None)
    for name, engine in registry.engines.items():
        announcement = _announcement(engine.info, default=name == default)
        if announcement is None:
            log.error("an engine has no voice that can be announced", engine=name)
            continue
        async with database.transaction() as connection:
            past = await load(connection, _STREAMS, VoicesAnnounced.topic)
            if announcement.encode() != _last(past, name) or (
                announcement.is_default_engine and name != _last_default(past)
            ):
                await append(connection, [announcement])


def _last(past: Sequence[Event], engine: str) -> bytes | None:
    announced = _announcements(past)
    of_engine = [announcement for announcement in announced if announcement.engine == engine]
    return of_engine[-1].encode() if of_engine else None


def _last_default(past: Sequence[Event]) -> str | None:
    defaults = [
        announcement for announcement in _announcements(past) if announcement.is_default_engine
    ]
    return defaults[-1].engine if defaults else None


def _announcements(past: Sequence[Event]) -> list[VoicesAnnounced]:
    return [event for event in past if isinstance(event, VoicesAnnounced)]


def _announcement(info: EngineInfo, default: bool) -> VoicesAnnounced | None:
    voices = tuple(islice(_voices(info), MAX_VOICES))
    if len(voices) < len(info.voices):
        left_out = len(info.voices) - len(voices)
        log.warning("voices are not announced", engine=info.name, voices=left_out)
    default_voice = _if_it_fits(_VOICE_NAME, info.default_voice) or next(
        (voice.id for voice in voices), None
    )
    if default_voice is None:
        return None
    return VoicesAnnounced(
        engine=info.name, voices=voices, default_voice=default_voice, is_default_engine=default
    )


def _voices(info: EngineInfo) -> Iterator[VoiceInfo]:
    """Yield what fits into one event."""
    size = 0
    for voice in info.voices:
        try:
            told = _voice(voice)
        except ValidationError:
            continue
        size += len(told.model_dump_json().encode()) + 1
        if size > MAX_BYTES:
            return
        yield told


def _voice(voice: Voice) -> VoiceInfo:
    """Return a voice as it is announced.

    Raises:
        ValidationError: Nobody could ask for it by its id.
    """
    return VoiceInfo(
        id=voice.id,
        name=voice.name[:MAX_NAME_CHARACTERS],
        language=as_language(voice.language),
        gender=_if_it_fits(_NAME, voice.gender),
    )


def _if_it_fits(text: TypeAdapter[str], found: str | None) -> str | None:
    try:
        return text.validate_python(found)
    except ValidationError:
        return None
