"""What happens inside a worker process of synth: engines are built, text is spoken and encoded.

Every function here is synchronous and takes and returns picklable values. A process keeps one
instance of each engine. Signal processing is imported inside the functions: the service's own
process only names them, and starts faster and smaller without it.
"""

import atexit
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from libs.common.errors import LecternError
from services.synth.audio.codecs.codec import CodecName
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.engines.build import EngineConfig, build_engine
from services.synth.engines.port import Engine, Voice

# Engines name the language, texts the macrolanguage that it is usually meant by (ISO 639-3).
_MACROLANGUAGES = {"arb": "ar", "cmn": "zh", "nb": "no"}

_engines: dict[EngineConfig, Engine] = {}


@dataclass(frozen=True, kw_only=True)
class EngineInfo:
    """What the service needs to know of an engine without having one.

    ``natives``: the voice that the engine itself would choose for each language it speaks.
    """

    name: str
    fingerprint: str
    voices: tuple[Voice, ...]
    default_voice: str
    natives: Mapping[str, str]


def warm_up(*configs: EngineConfig) -> None:
    """Load everything and say a word, so that the first page waits for nothing."""
    from services.synth.audio import book, captions, page, placement, produce  # noqa: F401
    from services.synth.audio.codecs.encode import silent_packet

    silent_packet("aac")
    for config in configs:
        with suppress(LecternError):  # the first call that needs it tells what is wrong
            engine = _engine(config)
            engine.speak("Ready.", engine.default_voice("en"), 1.0)


def describe(config: EngineConfig) -> EngineInfo:
    """Return the engine's identity and voices."""
    engine = _engine(config)
    voices = engine.voices()
    languages = sorted({primary(voice.language) for voice in voices})
    return EngineInfo(
        name=engine.name,
        fingerprint=engine.fingerprint,
        voices=voices,
        default_voice=engine.default_voice("en"),
        natives={language: engine.default_voice(language) for language in languages},
    )


def primary(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag, by the name that texts are labeled with."""
    subtag = language.lower().partition("-")[0]
    return _MACROLANGUAGES.get(subtag, subtag)


def speak(
    config: EngineConfig,
    texts: Sequence[str],
    voice: str,
    rate: float,
    gain_db: float,
    codecs: tuple[CodecName, ...],
    keep_lossless: bool,
) -> list[SegmentFiles]:
    """Speak and encode texts, in their order.

    If one fails, those before it are returned: nothing that was spoken is lost. The first one's
    failure is raised.
    """
    from services.synth.audio.produce import produce

    engine, made = _engine(config), list[SegmentFiles]()
    for text in texts:
        try:
            speech = engine.speak(text, voice, rate)
            files = produce(
                speech.pcm,
                speech.sample_rate,
                speech.words,
                gain_db,
                codecs,
                keep_lossless=keep_lossless,
            )
        except Exception:
            if made:
                break
            raise
        made.append(files)
    return made


def encode_again(lossless: bytes, gain_db: float, codecs: tuple[CodecName, ...]) -> SegmentFiles:
    """Encode what was spoken before.

    Raises:
        ObjectCorrupt: The lossless file is damaged.
    """
    from services.synth.audio.produce import reproduce

    return reproduce(lossless, gain_db, codecs)


def measure_voice(config: EngineConfig, voice: str, language: str, rate: float) -> float:
    """Speak the passage of ``language`` and return the gain that the voice needs, in dB."""
    from services.synth.audio.loudness.calibration import calibrate
    from services.synth.audio.loudness.calibration_texts import passage

    engine = _engine(config)
    spoken = [engine.speak(sentence, voice, rate) for sentence in passage(language)]
    return calibrate([speech.pcm for speech in spoken], spoken[0].sample_rate).gain_db


def _engine(config: EngineConfig) -> Engine:
    if config not in _engines:
        engine = _engines[config] = build_engine(config)
        atexit.register(engine.close)
    return _engines[config]
