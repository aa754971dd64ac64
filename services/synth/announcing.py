"""Tells the other services which voices there are, when that has changed."""

from libs.common.database import Database
from libs.common.event_store import append, load
from libs.common.events import VoiceInfo, VoicesAnnounced
from services.synth.orchestra import Orchestra, Player


async def announce(database: Database, orchestra: Orchestra) -> None:
    """Append an announcement for every engine that has something new to say."""
    default = next(iter(orchestra.players), None)
    for name, player in orchestra.players.items():
        announcement = _announcement(player, default=name == default)
        async with database.transaction() as connection:
            past = await load(connection, [announcement.stream], VoicesAnnounced.topic)
            if not past or past[-1].encode() != announcement.encode():
                await append(connection, [announcement])


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
