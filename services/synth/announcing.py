"""Tells the other services which voices there are, when that has changed."""

from collections.abc import Sequence

from libs.common.database import Database
from libs.common.event_store import append, load
from libs.common.events import Event, VoiceInfo, VoicesAnnounced
from services.synth.orchestra import Orchestra, Player
from services.synth.speech import ENGINES

_STREAMS = [f"engine/{name}" for name in ENGINES]


async def announce(database: Database, orchestra: Orchestra) -> None:
    """Append an announcement for every engine that has something new to say.

    The default says so again after another engine did: the last one to say it is the default.
    """
    default = next(iter(orchestra.players), None)
    for name, player in orchestra.players.items():
        announcement = _announcement(player, default=name == default)
        async with database.transaction() as connection:
            past = await load(connection, _STREAMS, VoicesAnnounced.topic)
            if announcement.encode() != _last(past, name) or (
                announcement.default and name != _last_default(past)
            ):
                await append(connection, [announcement])


def _last(past: Sequence[Event], engine: str) -> bytes | None:
    said = [each for each in past if isinstance(each, VoicesAnnounced) and each.engine == engine]
    return said[-1].encode() if said else None


def _last_default(past: Sequence[Event]) -> str | None:
    defaults = [each for each in past if isinstance(each, VoicesAnnounced) and each.default]
    return defaults[-1].engine if defaults else None


def _announcement(player: Player, default: bool) -> VoicesAnnounced:
    info = player.info
    return VoicesAnnounced(
        engine=info.name,
        voices=tuple(
            VoiceInfo(id=each.id, name=each.name, language=each.language, gender=each.gender)
            for each in info.voices
        ),
        default_voice=info.default_voice,
        default=default,
    )
