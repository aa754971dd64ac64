"""The espeak-ng engine: an adapter that talks to ``espeak_worker.py`` over pipes."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from services.synth.engines import tempo, words
from services.synth.engines.espeak import pieces
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.espeak.espeak_process import (
    EspeakProcess,
    RawSpeech,
    WorkerDied,
    WorkerFault,
)
from services.synth.engines.espeak.voice_book import VoiceBook
from services.synth.engines.port import (
    EngineBroken,
    Speech,
    SpeechRejected,
    UnknownVoice,
    Voice,
    check_request,
)

T = TypeVar("T")

_REVISION = 1  # raise it when a change of ours changes the sound
_NORMAL_WPM = 175
# The library's own least is 80. From 450 on it squeezes its sound and tells the positions of words
# in a mixture of samples before and after, so that is left to us.
_MIN_WPM, _MAX_WPM = 80, 449


class EspeakEngine:
    """espeak-ng in a worker process, started when first needed."""

    name = "espeak"
    max_characters = 2_000

    def __init__(self, config: EspeakConfig) -> None:
        self._config = config
        self._process: EspeakProcess | None = None
        self._fingerprint: str | None = None
        self._book: VoiceBook | None = None

    @property
    def fingerprint(self) -> str:
        """Version of the library, rate of its PCM, and the pitch."""
        if self._fingerprint is None:
            process = self._running()
            self._fingerprint = (
                f"espeak/{_REVISION} version={process.version} rate={process.sample_rate}"
                f" pitch={self._config.pitch} range={self._config.pitch_range}"
            )
        return self._fingerprint

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, while one runs."""
        return self._process.pid if self._process else None

    def voices(self) -> tuple[Voice, ...]:
        """See :class:`Engine`; without variants and MBROLA."""
        return self._voice_book().voices

    def default_voice(self, language: str) -> str:
        """See :class:`Engine`."""
        return self._voice_book().for_language(language)

    def speak(self, text: str, voice: str, rate: float) -> Speech:
        """See :class:`Engine`."""
        check_request(self, text, rate)
        identifier = self._voice_book().identifier(voice)
        if identifier is None:
            raise UnknownVoice(self.name, voice)
        words_per_minute = min(max(round(_NORMAL_WPM * rate), _MIN_WPM), _MAX_WPM)
        # Some voices pass over the digits of other scripts, without a word.
        clean = words.with_ascii_digits(words.plain(text))
        speech = self._join(
            clean,
            [
                (start, self._utter(identifier, words_per_minute, clean[start:end]))
                for start, end in pieces.cut(clean)
            ],
        )
        if words.is_silent(speech.pcm) and any(
            character.isalpha() or character.isdecimal() for character in clean
        ):
            raise SpeechRejected(
                "speech_silent",
                "The voice cannot read this script; choose a voice for the language of the text.",
            )
        return tempo.faster(speech, _NORMAL_WPM * rate / _MAX_WPM)

    def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _join(self, text: str, uttered: list[tuple[int, RawSpeech]]) -> Speech:
        sample_rate = self._running().sample_rate
        anchors: list[tuple[int, int]] = []
        sound = []
        samples = 0
        for start, utterance in uttered:
            anchors += [(start + at, samples + sample) for at, sample in utterance.words]
            sound.append(words.trim_end(utterance.pcm, sample_rate))
            samples += len(sound[-1])
        if not samples:
            return Speech(words.silence(sample_rate), sample_rate)
        pcm = sound[0] if len(sound) == 1 else np.concatenate(sound)
        return Speech(pcm, sample_rate, words.place_words(text, anchors, samples))

    def _utter(self, identifier: str, words_per_minute: int, piece: str) -> RawSpeech:
        try:
            return self._retried(lambda process: process.speak(identifier, words_per_minute, piece))
        except WorkerFault as fault:
            if fault.code == "unknown_voice":
                raise UnknownVoice(self.name, identifier) from fault
            raise SpeechRejected(
                "speech_refused", "The espeak engine cannot speak this sentence; change it."
            ) from fault
        except WorkerDied as died:
            raise SpeechRejected(
                "speech_crashed",
                "The espeak engine fails on this sentence; change it or choose another voice.",
            ) from died

    def _voice_book(self) -> VoiceBook:
        if self._book is None:
            try:
                self._book = VoiceBook(self._retried(EspeakProcess.voices))
            except (WorkerDied, WorkerFault) as error:
                raise EngineBroken("espeak-ng cannot list its voices") from error
        return self._book

    def _retried(self, call: Callable[[EspeakProcess], T]) -> T:
        """Make a call; if the worker dies of it, once more on a new one."""
        try:
            return call(self._running())
        except WorkerDied:
            return call(self._running())

    def _running(self) -> EspeakProcess:
        if self._process is None or self._process.ended:
            self._process = EspeakProcess(self._config)
        return self._process
