"""The port to speech engines: text in, PCM and word positions out.

Everything here is synchronous and blocking: an engine lives in a worker subprocess, is built there
from a picklable config, and is closed there. The adapters are the folders beside this module;
``build.py`` chooses among them, and ``tests/contract.py`` says what each of them has to keep.

* SpeechRejected (a Rejected)    the sentence, voice or rate is at fault
  + UnknownVoice
  + TextTooLong
* EngineDenied (a Permanent)     the provider refuses our credentials or plan
* EngineBroken (a Permanent)     the engine is not installed, or set up wrongly
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from libs.common.contracts.formats import MAX_RATE, MIN_RATE
from libs.common.errors import Permanent, Rejected

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@dataclass(frozen=True, kw_only=True)
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
