"""All five services, as the command line, standalone and the generated files see them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import services.gateway.app
import services.ingest.app
import services.notifier.app
import services.segmenter.app
import services.synth.app
from libs.common.contracts.base import Event
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings, ServiceSettings
from services.gateway.settings import Settings as GatewaySettings
from services.ingest.settings import Settings as IngestSettings
from services.notifier.settings import Settings as NotifierSettings
from services.segmenter.settings import Settings as SegmenterSettings
from services.synth.settings import Settings as SynthSettings


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """One service: how it is built, set up and migrated."""

    name: str
    settings: type[ServiceSettings]
    build: Callable[[CommonSettings, Any], ServiceParts]
    consumes: tuple[type[Event], ...]

    @property
    def migrations(self) -> Path:
        """The folder of its migrations."""
        return Path(services.__path__[0]) / self.name / "migrations"


SERVICES: tuple[ServiceSpec, ...] = (
    ServiceSpec(
        name="gateway",
        settings=GatewaySettings,
        build=services.gateway.app.build,
        consumes=services.gateway.app.CONSUMES,
    ),
    ServiceSpec(
        name="ingest",
        settings=IngestSettings,
        build=services.ingest.app.build,
        consumes=services.ingest.app.CONSUMES,
    ),
    ServiceSpec(
        name="segmenter",
        settings=SegmenterSettings,
        build=services.segmenter.app.build,
        consumes=services.segmenter.app.CONSUMES,
    ),
    ServiceSpec(
        name="synth",
        settings=SynthSettings,
        build=services.synth.app.build,
        consumes=services.synth.app.CONSUMES,
    ),
    ServiceSpec(
        name="notifier",
        settings=NotifierSettings,
        build=services.notifier.app.build,
        consumes=services.notifier.app.CONSUMES,
    ),
)
"""In the order of their ports."""


def consumers() -> Mapping[str, tuple[type[Event], ...]]:
    """Which service consumes what."""
    return {spec.name: spec.consumes for spec in SERVICES}


def consumed_topics() -> Mapping[str, Sequence[str]]:
    """Which service consumes which topics."""
    return {name: [event.topic for event in events] for name, events in consumers().items()}
