"""Audio, as the gateway registers it."""

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    VoicesAnnounced,
)
from libs.common.contracts.tasks import TaskFailed
from services.gateway.audio import page_routes, routes
from services.gateway.audio.playback import playback_routes
from services.gateway.audio.projection import FOLDS
from services.gateway.audio.stored_audio import AUDIO_REACTIONS, DERIVED_FILES
from services.gateway.audio.tables import audiobooks, audios, voices
from services.gateway.kernel.record import Feature

AUDIO = Feature(
    name="audio",
    routes=(
        VoicesAnnounced,
        AudioProgressed,
        AudioReady,
        AudioFailed,
        AudiobookReady,
        AudiobookFailed,
        TaskFailed,
    ),
    folds=FOLDS,
    reactions=AUDIO_REACTIONS,
    tables=(audios, audiobooks, voices),
    read_models=(audios, audiobooks, voices),
    derived=DERIVED_FILES,
    api=(
        routes.router,
        page_routes.router,
        playback_routes.router,
        playback_routes.open_router,
    ),
)
