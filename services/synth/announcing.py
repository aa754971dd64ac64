"""Tells the other services which voices there are, when that has changed."""

from collections.abc import Sequence

from libs.common.contracts.audio import (
    MAX_NAME_CHARACTERS,
    MAX_VOICES,
    VoiceInfo,
    VoicesAnnounced,
)
from libs.common.contracts.base import Event
from libs.common.contracts.identifiers import as_language
from libs.common.database.engine import Database
from libs.common.store.event_store import append, load
from services.synth.engines.build import ENGINES
from services.synth.synthesis.engine_worker import EngineInfo
from services.synth.synthesis.registry import EngineRegistry

_STREAMS = [VoicesAnnounced.stream_of(engine=name) for name in ENGINES]


async def announce(database: Database, registry: EngineRegistry) -> None:
    """Append an announcement for every engine whose voices have changed.

    The default engine is announced again after another one was: the last one that was announced as
    the default is the default.
    """
    default = next(iter(registry.engines), None)
    for name, engine in registry.engines.items():
        announcement = _announcement(engine.info, default=name == default)
        async with database.transaction() as connection:
            past = await load(connection, _STREAMS, VoicesAnnounced.topic)
            if announcement.encode() != _last(past, name) or (
                announcement.default and name != _last_default(past)
            ):
                await append(connection, [announcement])


def _last(past: Sequence[Event], engine: str) -> bytes | None:
    announced = _announcements(past)
    of_engine = [announcement for announcement in announced if announcement.engine == engine]
    return of_engine[-1].encode() if of_engine else None


def _last_default(past: Sequence[Event]) -> str | None:
    defaults = [announcement for announcement in _announcements(past) if announcement.default]
    return defaults[-1].engine if defaults else None


def _announcements(past: Sequence[Event]) -> list[VoicesAnnounced]:
    return [event for event in past if isinstance(event, VoicesAnnounced)]


def _announcement(info: EngineInfo, default: bool) -> VoicesAnnounced:
    return VoicesAnnounced(
        engine=info.name,
        voices=tuple(
            VoiceInfo(
                id=voice.id,
                name=voice.name[:MAX_NAME_CHARACTERS],
                language=as_language(voice.language),
                gender=voice.gender,
            )
            for voice in info.voices[:MAX_VOICES]
        ),
        default_voice=info.default_voice,
        default=default,
    )
