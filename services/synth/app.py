"""Composition root of synth: the only module that builds clients from settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    VoicesAnnounced,
)
from libs.common.contracts.tasks import TaskFailed
from libs.common.observability.metrics import Metrics
from libs.common.processing.erasing import ERASE, Eraser
from libs.common.runtime.connect import open_database, open_object_storage
from libs.common.runtime.pool import CpuPool
from libs.common.runtime.service_parts import ServiceParts
from libs.common.settings import CommonSettings
from libs.common.store.history import History
from services.synth.announcing import announce
from services.synth.binding import Binder
from services.synth.engines.build import EngineConfig, EngineName
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.polly.config import PollyConfig
from services.synth.handlers import routes
from services.synth.jobs import BIND, EVICT, SPEAK
from services.synth.settings import Settings
from services.synth.speaking import Speaker
from services.synth.synthesis import engine_worker
from services.synth.synthesis.cache.eviction import Evictor
from services.synth.synthesis.cache.owner_salts import OwnerSalts
from services.synth.synthesis.cache.segment_cache import PackedSegments
from services.synth.synthesis.registry import EngineRegistry
from services.synth.synthesis.segments import SegmentSynthesizer
from services.synth.synthesis.synthesis_metrics import RecordedSynthesisMetrics

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
CONSUMES = tuple(route.event for route in routes())


def build(common: CommonSettings, settings: Settings) -> ServiceParts:
    """Return the service's parts, connected to nothing yet."""
    database = open_database(common, settings)
    storage = open_object_storage(common)
    metrics = Metrics(NAME)
    pools = _Pools.of(settings)
    registry = EngineRegistry(
        pools.configs, pools.by_engine, storage, keep_all_segments=settings.keep_all_segments
    )
    cache = PackedSegments(database, storage, settings.segment_cache_bytes)
    speaker = _speaker(registry, cache, pools.local, metrics, settings)
    evictor = Evictor(database, storage, settings.segment_cache_bytes)
    binder = Binder(storage, History(database), pools.local)

    async def load_and_announce() -> None:
        await registry.load()
        await announce(database, registry)

    pages = settings.pages_at_once
    return ServiceParts(
        name=NAME,
        migrations=Path(__file__).with_name("migrations"),
        publishes=PUBLISHES,
        routes=routes(),
        work=[
            SPEAK.done_by(speaker.speak, slots=pages + 1, slots_of_one=pages),
            BIND.done_by(binder.bind, slots=2, slots_of_one=1),
            ERASE.done_by(Eraser(storage, common.erasure_sweep_seconds).erase),
            EVICT.done_by(evictor.evict),
        ],
        settings=settings,
        common=common,
        database=database,
        storage=storage,
        metrics=metrics,
        resources=list(dict.fromkeys([pools.local, *pools.by_engine.values()])),
        starting=load_and_announce,
    )


def _speaker(
    registry: EngineRegistry,
    cache: PackedSegments,
    pool: CpuPool,
    metrics: Metrics,
    settings: Settings,
) -> Speaker:
    recorded = RecordedSynthesisMetrics(metrics)
    synthesizer = SegmentSynthesizer(
        registry=registry, cache=cache, pool=pool, synthesis_metrics=recorded
    )
    return Speaker(
        storage=cache.storage,
        registry=registry,
        salts=OwnerSalts(cache.database, shared=settings.share_segments),
        synthesizer=synthesizer,
        pool=pool,
        synthesis_metrics=recorded,
        follow_language=settings.follow_language,
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
        local_configs = [config for config in configs.values() if not config.is_remote]
        local = CpuPool(
            settings.workers or os.cpu_count() or 1,
            warm_up=engine_worker.warm_up,
            arguments=local_configs,
        )
        remote = CpuPool(settings.network_workers)
        by_engine: dict[str, CpuPool] = {
            name: remote if config.is_remote else local for name, config in configs.items()
        }
        return cls(configs, by_engine, local)


def engine_config(name: EngineName, settings: Settings) -> EngineConfig:
    """Return an engine's config from the settings."""
    if name == "polly":
        key, secret = settings.polly_access_key_id, settings.polly_secret_access_key
        return PollyConfig(
            region=settings.polly_region,
            engine=settings.polly_engine,
            endpoint_url=settings.polly_endpoint_url,
            access_key_id=key.get_secret_value() if key else None,
            secret_access_key=secret.get_secret_value() if secret else None,
        )
    if name == "openai":
        api_key = settings.openai_api_key
        return OpenAIConfig(
            base_url=settings.openai_base_url,
            model=settings.openai_model,
            api_key=api_key.get_secret_value() if api_key else None,
            voices=_voices(settings),
        )
    return EspeakConfig()


def _voices(settings: Settings) -> tuple[str, ...]:
    """The configured voices, the default one first."""
    if settings.openai_voice is None:
        return settings.openai_voices
    return tuple(dict.fromkeys((settings.openai_voice, *settings.openai_voices)))
