"""Preferences as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from services.gateway.audio.rows import EngineRow, SpokenAs
from services.gateway.audio.voices import choose_voice, speaks
from services.gateway.kernel.views import View

NORMAL_RATE = 1.0


@dataclass(frozen=True, kw_only=True)
class WantedSound:
    """How an order is to sound, as far as it says."""

    engine: str | None = None
    voice: str | None = None
    rate: float | None = None


class Preferences(View):
    """How you like to hear; null where you have no preference.

    An order that names neither engine nor voice is spoken by this ``engine`` and ``voice``, where
    the voice speaks the language of the document; one that names no rate, at this ``rate``.
    """

    engine: str | None = None
    voice: str | None = None
    rate: float | None = None

    def checked(self, announced: Sequence[EngineRow]) -> Self:
        """Return them with the engine of the voice, if there is such a voice.

        Raises:
            Rejected: There is no such engine or voice.
            Unavailable: No engine has announced itself yet.
        """
        if self.engine is None and self.voice is None:
            return self
        engine, _ = choose_voice(announced, None, self.engine, self.voice)
        return self.model_copy(update={"engine": engine})

    def sound(
        self, announced: Sequence[EngineRow], language: str | None, wanted: WantedSound
    ) -> SpokenAs:
        """Return how an order sounds: as it says, else as is preferred, else by default.

        What is preferred and gone, or does not speak the document's ``language``, is passed over.

        Raises:
            Rejected: There is no such engine or voice as the order names.
            Unavailable: No engine has announced itself yet.
        """
        engine, voice = wanted.engine, wanted.voice
        if voice is None and engine in {None, self.engine}:
            engine, voice = self._preferred(announced, language, engine)
        rates = (wanted.rate, self.rate, NORMAL_RATE)
        rate = next(rate for rate in rates if rate is not None)
        return *choose_voice(announced, language, engine, voice), rate

    def _preferred(
        self, announced: Sequence[EngineRow], language: str | None, named: str | None
    ) -> tuple[str | None, str | None]:
        """The engine and voice to ask for, if there still are such; else what was ``named``."""
        found = next((row for row in announced if row.engine == self.engine), None)
        if found is None:
            return named, None
        voice = next((voice for voice in found.voices if voice.id == self.voice), None)
        fits = voice is not None and speaks(voice.language, language)
        return found.engine, self.voice if fits else None


class PreferencesView(Preferences):
    """How you like to hear, and in which ``language`` you are written to (BCP 47).

    Null is no preference; who has no account is not written to.
    """

    language: str | None = None
