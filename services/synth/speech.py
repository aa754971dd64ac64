"""The port to speech engines: text in, PCM and word positions out.

Everything here is synchronous and blocking: an engine lives in a worker subprocess, is built there
from a picklable config by :func:`build_engine`, and is closed there. The adapters are in
``services.synth.engines``; to add one, write its module and its config, and name both in
:func:`build_engine`. ``engines/tests/test_contract.py`` says what every adapter has to keep.

* SpeechRejected (a Rejected)    the sentence, voice or rate is at fault
  + UnknownVoice
  + TextTooLong
* EngineDenied (a Permanent)     the provider refuses our credentials or plan
* EngineBroken (a Permanent)     the engine is not installed, or set up wrongly
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from libs.common.errors import Permanent, Rejected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENGINES = ("espeak", "polly", "openai")
MIN_RATE = 0.5
MAX_RATE = 3.0


class SpeechRejected(Rejected):
    """This sentence cannot be spoken as asked."""


class UnknownVoice(SpeechRejected):
    """The engine has no such voice."""

    def __init__(self, engine: str, voice: str) -> None:
        super().__init__(
            "unknown_voice", f"The {engine} engine has no voice {voice[:60]!r}; choose another."
        )


class TextTooLong(SpeechRejected):
    """The text exceeds what the engine takes in one call."""

    def __init__(self, engine: str, characters: int, limit: int) -> None:
        super().__init__(
            "text_too_long",
            f"A passage of {characters} characters is too long for the {engine} engine, "
            f"which takes {limit}; split the sentence.",
        )


class EngineDenied(Permanent):
    """The provider refuses us: a wrong key, a missing right, an exhausted plan."""

    code = "engine_denied"


class EngineBroken(Permanent):
    """The engine is not installed, or it is set up so that it cannot work."""

    code = "engine_broken"


@dataclass(frozen=True)
class Voice:
    """A voice, as people choose it. ``language`` is BCP 47; ``mul`` speaks whatever it is given."""

    engine: str
    id: str
    name: str
    language: str
    gender: str | None = None


@dataclass(frozen=True)
class WordMark:
    """Where a word begins: code points ``[start, end)`` of the text, ``sample`` of the PCM."""

    start: int
    end: int
    sample: int


@dataclass(frozen=True, eq=False)
class Speech:
    """One spoken text.

    ``pcm`` is mono int16, shape (samples,), never empty, without a pause at its end. ``words``
    ascend in ``start``, and never fall in ``sample``; there are none where the engine tells none.
    """

    pcm: "NDArray[np.int16]"
    sample_rate: int
    words: tuple[WordMark, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / self.sample_rate


class Engine(Protocol):
    """What speaks. Use one instance from one thread at a time; ``close`` it when done."""

    @property
    def name(self) -> str:
        """Short name: espeak, polly, openai."""
        ...

    @property
    def fingerprint(self) -> str:
        """Engine, version and every setting that changes the sound; no secrets. Stable."""
        ...

    @property
    def max_characters(self) -> int:
        """Longest text of one :meth:`speak`, in code points."""
        ...

    @property
    def concurrency(self) -> int:
        """How many calls, each on an instance of its own, make sense at once."""
        ...

    def voices(self) -> tuple[Voice, ...]:
        """Every voice that can be chosen."""
        ...

    def default_voice(self, language: str) -> str:
        """Id of the voice for a BCP 47 language; some voice even for one it cannot speak."""
        ...

    def speak(self, text: str, voice: str, rate: float) -> Speech:
        """Speak plain text; markup in it is text. ``rate`` is 0.5 to 3.0, 1.0 is normal.

        Raises:
            SpeechRejected: The text, the voice or the rate is at fault.
            EngineDenied: The provider refuses us.
            EngineBroken: The engine cannot work as it is set up.
            Throttled: The provider asks us to slow down.
            Unavailable: The engine did not answer, or not in time.
        """
        ...

    def close(self) -> None:
        """Release processes and connections. May be called again."""
        ...


@dataclass(frozen=True)
class EspeakConfig:
    """espeak-ng in a process of its own. ``library`` and ``data``: None for espeakng-loader's."""

    library: str | None = None
    data: str | None = None
    pitch: int = 50
    pitch_range: int = 50
    timeout_s: float = 60.0


@dataclass(frozen=True)
class PollyConfig:
    """Amazon Polly. Without explicit keys the default credential chain of boto3 is used."""

    region: str = "us-east-1"
    engine: Literal["standard", "neural", "long-form", "generative"] = "standard"
    endpoint_url: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    word_marks: bool = True
    sample_rate_hz: int | None = None
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    concurrency: int = 8


@dataclass(frozen=True)
class OpenAIConfig:
    """Any server that speaks ``POST {base_url}/audio/speech``.

    ``voices``: ids; if empty the server is asked, and if it keeps no list OpenAI's own are used.
    ``pcm_rate_hz`` is the rate of headerless PCM, which OpenAI defines as 24 kHz.
    """

    base_url: str = field(default="https://api.openai.com/v1", repr=False)  # may hold a password
    model: str = "gpt-4o-mini-tts"
    api_key: str | None = field(default=None, repr=False)
    voices: tuple[str, ...] = ()
    instructions: str | None = None
    response_format: Literal["pcm", "wav", "flac", "mp3", "opus", "aac"] = "pcm"
    pcm_rate_hz: int = 24_000
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 180.0
    concurrency: int = 8


EngineConfig = EspeakConfig | PollyConfig | OpenAIConfig


def build_engine(config: EngineConfig) -> Engine:
    """Build the engine of ``config``. Only the libraries of that engine are imported."""
    match config:
        case EspeakConfig():
            from services.synth.engines.espeak import EspeakEngine

            return EspeakEngine(config)
        case PollyConfig():
            from services.synth.engines.polly import PollyEngine

            return PollyEngine(config)
        case OpenAIConfig():
            from services.synth.engines.openai import OpenAIEngine

            return OpenAIEngine(config)


def segment_key(fingerprint: str, voice: str, rate: float, text: str) -> str:
    """Name a spoken text by what it is made from: sha256 as hex.

    The four are hashed as a JSON array, so that no two different inputs share an encoding.
    """
    inputs = json.dumps([fingerprint, voice, float(rate), text], separators=(",", ":"))
    return hashlib.sha256(inputs.encode()).hexdigest()


def check_request(engine: Engine, text: str, rate: float) -> None:
    """Refuse what no adapter should see.

    Raises:
        TextTooLong: ``text`` is longer than the engine takes.
        SpeechRejected: ``rate`` is not within 0.5 to 3.0.
    """
    if len(text) > engine.max_characters:
        raise TextTooLong(engine.name, len(text), engine.max_characters)
    if not MIN_RATE <= rate <= MAX_RATE:  # false for NaN, too
        raise SpeechRejected(
            "rate_out_of_range", f"The rate must be between {MIN_RATE} and {MAX_RATE}."
        )
