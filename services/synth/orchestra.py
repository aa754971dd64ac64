"""The engines of this service, and the process pools in which they speak."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from libs.common.errors import ObjectNotFound, Rejected
from libs.common.pool import CpuPool
from libs.common.storage import Storage
from services.synth import studio
from services.synth.audio.codecs import CodecName
from services.synth.audio.produced import Produced
from services.synth.speech import EngineConfig, OpenAIConfig, PollyConfig


@dataclass(frozen=True)
class Player:
    """One engine: its config, where it speaks, and what it said of itself."""

    config: EngineConfig
    pool: CpuPool
    info: studio.EngineInfo

    @property
    def keep_lossless(self) -> bool:
        """Whether speaking again costs more than keeping: where each call is paid for."""
        return isinstance(self.config, PollyConfig | OpenAIConfig)


@dataclass(frozen=True)
class Sound:
    """Everything besides the text that decides how a segment sounds."""

    engine: str
    voice: str
    rate: float
    gain_db: float


class Orchestra:
    """All players, by engine name; call :meth:`tune` before anything else."""

    def __init__(
        self, configs: Mapping[str, EngineConfig], pools: Mapping[str, CpuPool], storage: Storage
    ) -> None:
        self._configs = configs
        self._pools = pools
        self._storage = storage
        self._gains: dict[str, asyncio.Future[float]] = {}
        self._voices: dict[tuple[str, str, str], str] = {}
        self.players: dict[str, Player] = {}

    async def tune(self) -> None:
        """Ask every engine for its identity and voices."""
        for name, config in self._configs.items():
            pool = self._pools[name]
            self.players[name] = Player(config, pool, await pool.run(studio.describe, config))

    def player(self, engine: str) -> Player:
        """Return an engine. Raises Rejected if this installation does not have it."""
        if engine not in self.players:
            raise Rejected("unknown_engine", f"The engine {engine[:60]!r} is not installed here.")
        return self.players[engine]

    async def sound(self, engine: str, voice: str, rate: float) -> Sound:
        """Return how a voice sounds, measuring its loudness the first time ever."""
        player = self.player(engine)
        key = sha256(json.dumps([player.info.fingerprint, voice, rate]).encode()).hexdigest()
        if key not in self._gains:
            self._gains[key] = asyncio.ensure_future(self._gain(player, voice, rate, key))
        try:
            gain_db = await asyncio.shield(self._gains[key])
        except Exception:
            self._gains.pop(key, None)
            raise
        return Sound(engine, voice, rate, gain_db)

    async def speak(
        self, sound: Sound, texts: Sequence[str], codecs: Sequence[CodecName]
    ) -> list[Produced]:
        """Speak texts in one task of a worker process; the first of them, if another fails."""
        player = self.player(sound.engine)
        return await player.pool.run(
            studio.speak,
            player.config,
            tuple(texts),
            sound.voice,
            sound.rate,
            sound.gain_db,
            tuple(codecs),
            player.keep_lossless,
        )

    def voice_for(self, engine: str, voice: str, language: str) -> str:
        """Return ``voice``, or the engine's voice for ``language`` if ``voice`` speaks another."""
        key = (engine, voice, language)
        if key not in self._voices:
            self._voices[key] = _voice_for(self.player(engine).info, voice, language)
        return self._voices[key]

    async def _gain(self, player: Player, voice: str, rate: float, key: str) -> float:
        stored = f"calibrations/{key}.json"
        try:
            return float(json.loads(await self._storage.read(stored))["gain_db"])
        except (ObjectNotFound, ValueError, KeyError, TypeError):  # damaged counts as missing
            language = next(
                (each.language for each in player.info.voices if each.id == voice), "en"
            )
        gain_db = await player.pool.run(studio.measure_voice, player.config, voice, language, rate)
        await self._storage.write(
            stored,
            json.dumps({"gain_db": gain_db}).encode(),
            "application/json",
        )
        return gain_db


def _voice_for(info: studio.EngineInfo, voice: str, language: str) -> str:
    speaks = {each.id: studio.primary(each.language) for each in info.voices}
    wanted = studio.primary(language)
    if wanted == "und" or speaks.get(voice, "mul") in {wanted, "mul"}:
        return voice
    native = info.natives.get(wanted, voice)
    return native if speaks.get(native) == wanted else voice
