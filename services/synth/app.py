"""Composition root of synth: the only module that builds clients from settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from libs.common.connect import open_database, open_object_storage
from libs.common.events import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    TaskFailed,
    VoicesAnnounced,
)
from libs.common.history import History
from libs.common.metrics import Metrics
from libs.common.pool import CpuPool
from libs.common.service import Parts
from libs.common.settings import CommonSettings
from libs.common.worker import work
from services.synth import studio
from services.synth.announcing import announce
from services.synth.binding import Binder, bind_gave_up, erase_gave_up
from services.synth.handlers import BIND, ERASE, SPEAK, BindJob, EraseJob, SpeakJob, routes
from services.synth.orchestra import Orchestra
from services.synth.segment_cache import SegmentCache
from services.synth.settings import Settings
from services.synth.speaking import Speaker, speak_gave_up
from services.synth.speech import EngineConfig, EspeakConfig, OpenAIConfig, PollyConfig
from services.synth.takes import Taker

NAME = "synth"
PUBLISHES = (
    AudioProgressed,
    AudioReady,
    AudioFailed,
    AudiobookReady,
    AudiobookFailed,
    VoicesAnnounced,
    TaskFailed,
)
CONSUMES = tuple(each.event for each in routes())


def build(common: CommonSettings, settings: Settings) -> Parts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    metrics = Metrics(NAME)
    pools = _Pools.of(settings)
    orchestra = Orchestra(pools.configs, pools.by_engine, storage)
    tally = _Tally(metrics)
    speaker = Speaker(
        storage,
        orchestra,
        Taker(orchestra, SegmentCache(storage), pools.local, tally),
        pools.local,
        tally,
        settings.follow_language,
    )
    binder = Binder(storage, History(database), pools.local)

    async def tune_and_announce() -> None:
        await orchestra.tune()
        await announce(database, orchestra)

    return Parts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[
            work(SPEAK, SpeakJob, speaker.speak, speak_gave_up, slots=settings.pages_at_once),
            work(BIND, BindJob, binder.bind, bind_gave_up),
            work(ERASE, EraseJob, binder.erase, erase_gave_up),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=metrics,
        resources=list(dict.fromkeys([pools.local, *pools.by_engine.values()])),
        starting=tune_and_announce,
    )


@dataclass(frozen=True)
class _Pools:
    """The engines' configs, and where each speaks: what only waits for a network is apart."""

    configs: Mapping[str, EngineConfig]
    by_engine: Mapping[str, CpuPool]
    local: CpuPool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        configs: dict[str, EngineConfig] = {
            name: engine_config(name, settings) for name in settings.engines
        }
        warm = [each for each in configs.values() if isinstance(each, EspeakConfig)]
        local = CpuPool(settings.workers or os.cpu_count() or 1, studio.warm_up, warm)
        remote = CpuPool(settings.network_workers)
        by_engine: dict[str, CpuPool] = {
            name: local if isinstance(config, EspeakConfig) else remote
            for name, config in configs.items()
        }
        return cls(configs, by_engine, local)


def engine_config(name: str, settings: Settings) -> EngineConfig:
    """Return an engine's config from the settings."""
    if name == "polly":
        key, secret = settings.polly_access_key_id, settings.polly_secret_access_key
        return PollyConfig(
            region=settings.polly_region,
            engine=settings.polly_engine,
            endpoint_url=settings.polly_endpoint_url,
            access_key_id=key.get_secret_value() if key else None,
            secret_access_key=secret.get_secret_value() if secret else None,
            concurrency=settings.network_workers,
        )
    if name == "openai":
        api_key = settings.openai_api_key
        return OpenAIConfig(
            base_url=settings.openai_base_url,
            model=settings.openai_model,
            api_key=api_key.get_secret_value() if api_key else None,
            voices=_voices(settings),
            concurrency=settings.network_workers,
        )
    return EspeakConfig()


def _voices(settings: Settings) -> tuple[str, ...]:
    """The configured voices, the default one first."""
    if settings.openai_voice is None:
        return settings.openai_voices
    return tuple(dict.fromkeys((settings.openai_voice, *settings.openai_voices)))


@dataclass(frozen=True)
class _Tally:
    metrics: Metrics

    def spoken(self, engine: str, characters: int) -> None:
        self.metrics.segments_spoken_total.labels(engine=engine).inc()
        self.metrics.characters_spoken_total.inc(characters)

    def cached(self) -> None:
        self.metrics.segments_cached_total.inc()

    def finished(self, seconds: float) -> None:
        self.metrics.audio_seconds_total.inc(seconds)
