"""The engines of this service, and the process pools in which they speak."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from libs.common.errors import ObjectNotFound, Rejected
from libs.common.runtime.pool import CpuPool
from libs.common.storage.port import Storage
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.engines.build import EngineConfig
from services.synth.synthesis import engine_worker
from services.synth.synthesis.engine_worker import EngineInfo


@dataclass(frozen=True)
class RegisteredEngine:
    """One engine: its config, where it speaks, and what it said of itself."""

    config: EngineConfig
    pool: CpuPool
    info: EngineInfo

    @property
    def keep_lossless(self) -> bool:
        """Whether speaking again costs more than keeping: where each call may be paid for."""
        return self.config.is_remote


@dataclass(frozen=True, kw_only=True)
class VoiceSettings:
    """Everything besides the text that decides how a segment sounds."""

    engine: str
    voice: str
    rate: float
    gain_db: float


class EngineRegistry:
    """All engines by name; call :meth:`load` before anything else.

    ``keep_all_segments``: also those that cost less to speak again than to keep.
    """

    def __init__(
        self,
        configs: Mapping[str, EngineConfig],
        pools: Mapping[str, CpuPool],
        storage: Storage,
        *,
        keep_all_segments: bool = False,
    ) -> None:
        self._keep_all_segments = keep_all_segments
        self._configs = configs
        self._pools = pools
        self._storage = storage
        self._gains: dict[str, asyncio.Future[float]] = {}
        self._voices: dict[tuple[str, str, str], str] = {}
        self.engines: dict[str, RegisteredEngine] = {}

    async def load(self) -> None:
        """Ask every engine for its identity and voices."""
        for name, config in self._configs.items():
            pool = self._pools[name]
            info = await pool.run(engine_worker.describe, config)
            self.engines[name] = RegisteredEngine(config, pool, info)

    def engine(self, name: str) -> RegisteredEngine:
        """Return an engine. Raises Rejected if this installation does not have it."""
        if name not in self.engines:
            raise Rejected("unknown_engine", f"The engine {name[:60]!r} is not installed here.")
        return self.engines[name]

    def keeps_segments(self, name: str) -> bool:
        """Whether what an engine spoke is kept, so that it is not spoken again."""
        return self._keep_all_segments or self.engine(name).config.keeps_segments

    async def voice_settings(self, engine: str, voice: str, rate: float) -> VoiceSettings:
        """Return how a voice sounds, measuring its loudness the first time ever."""
        registered = self.engine(engine)
        key = sha256(json.dumps([registered.info.fingerprint, voice, rate]).encode()).hexdigest()
        if key not in self._gains:
            self._gains[key] = asyncio.ensure_future(self._gain(registered, voice, rate, key))
        try:
            gain_db = await asyncio.shield(self._gains[key])
        except Exception:
            self._gains.pop(key, None)
            raise
        return VoiceSettings(engine=engine, voice=voice, rate=rate, gain_db=gain_db)

    async def speak(
        self, settings: VoiceSettings, texts: Sequence[str], codecs: Sequence[CodecName]
    ) -> list[SegmentFiles]:
        """Speak texts in one task of a worker process; the first of them, if another fails."""
        engine = self.engine(settings.engine)
        return await engine.pool.run(
            engine_worker.speak,
            engine.config,
            tuple(texts),
            settings.voice,
            settings.rate,
            settings.gain_db,
            tuple(codecs),
            engine.keep_lossless,
        )

    def voice_for(self, engine: str, voice: str, language: str) -> str:
        """Return ``voice``, or the engine's voice for ``language`` if ``voice`` speaks another."""
        key = (engine, voice, language)
        if key not in self._voices:
            self._voices[key] = _voice_for(self.engine(engine).info, voice, language)
        return self._voices[key]

    async def _gain(self, engine: RegisteredEngine, voice: str, rate: float, key: str) -> float:
        stored = f"calibrations/{key}.json"
        try:
            return float(json.loads(await self._storage.read(stored))["gain_db"])
        except (ObjectNotFound, ValueError, KeyError, TypeError):  # damaged counts as missing
            language = next(
                (known.language for known in engine.info.voices if known.id == voice), "en"
            )
        gain_db = await engine.pool.run(
            engine_worker.measure_voice, engine.config, voice, language, rate
        )
        await self._storage.write(
            stored,
            json.dumps({"gain_db": gain_db}).encode(),
            "application/json",
        )
        return gain_db


def _voice_for(info: EngineInfo, voice: str, language: str) -> str:
    speaks = {known.id: engine_worker.primary(known.language) for known in info.voices}
    wanted = engine_worker.primary(language)
    if wanted == "und" or speaks.get(voice, "mul") in {wanted, "mul"}:
        return voice
    native = info.natives.get(wanted, voice)
    return native if speaks.get(native) == wanted else voice
