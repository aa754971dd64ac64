"""All five services, as the command line and standalone see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import services.gateway.app
import services.gateway.handlers
import services.ingest.app
import services.notifier.app
import services.segmenter.app
import services.synth.app
from libs.common.events import Event
from libs.common.service import Parts
from libs.common.settings import CommonSettings, ServiceSettings
from services.gateway.settings import Settings as GatewaySettings
from services.ingest.settings import Settings as IngestSettings
from services.notifier.settings import Settings as NotifierSettings
from services.segmenter.settings import Settings as SegmenterSettings
from services.synth.settings import Settings as SynthSettings


@dataclass(frozen=True)
class Room:
    """One service: how it is built, set up and migrated."""

    name: str
    settings: type[ServiceSettings]
    build: Callable[[CommonSettings, Any], Parts]
    consumes: tuple[type[Event], ...]

    @property
    def migrations(self) -> Path:
        """The folder of its migrations."""
        return Path(services.__path__[0]) / self.name / "migrations"


ROOMS: tuple[Room, ...] = (
    Room(
        "gateway", GatewaySettings, services.gateway.app.build, services.gateway.handlers.CONSUMES
    ),
    Room("ingest", IngestSettings, services.ingest.app.build, services.ingest.app.CONSUMES),
    Room(
        "segmenter",
        SegmenterSettings,
        services.segmenter.app.build,
        services.segmenter.app.CONSUMES,
    ),
    Room("synth", SynthSettings, services.synth.app.build, services.synth.app.CONSUMES),
    Room("notifier", NotifierSettings, services.notifier.app.build, services.notifier.app.CONSUMES),
)


def consumers() -> Mapping[str, tuple[type[Event], ...]]:
    """Which service consumes what."""
    return {room.name: room.consumes for room in ROOMS}
