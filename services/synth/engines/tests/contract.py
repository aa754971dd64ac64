"""What every engine has to keep, as a class to inherit; and how an engine is used in a pool."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import pytest

from libs.common.errors import Permanent, Rejected
from services.synth.engines.build import EngineConfig, build_engine
from services.synth.engines.port import Engine
from services.synth.engines.words import can_be_heard

SENTENCE = "The ship left the harbor early, and nobody on the long pier waved."
LONGER = SENTENCE + " It came back after nine weeks with a hold full of salt and stories."
STRANGE = {
    "emoji": "A 😀 smile and 👨‍👩‍👧 a family — naïve café.",
    "right to left": "שלום עולם, كيف الحال؟",
    "ideographs": "你好世界。我喜欢读书。",
    "combining": "e\u0301te\u0301 and Z\u0336a\u0336l\u0336g\u0336o",
    "markup": '<speak><break time="9s"/>5 < 6 & "seven" </prosody> [[h@loU]] &amp; {x}',
    "controls": "one\x00two\x01three\x0b \ud800 four \ufffe five\u2028six\r\nseven",
}
UNHEARD = ["...", "—", "?!", "   ", "\n", "()", "\u200b", ""]


def speak_in_pool(config: EngineConfig, text: str, voice: str) -> tuple[int, int, str]:
    engine = build_engine(config)
    try:
        speech = engine.speak(text, voice, 1.0)
        return len(speech.pcm), speech.sample_rate, engine.fingerprint
    finally:
        engine.close()


class EngineContract:
    """Inherit, and give fixtures ``config``, ``engine``, ``voice`` and ``other_sounds``."""

    marks_words = True

    def test_speaks_mono_int16(self, engine: Engine, voice: str):
        speech = engine.speak(SENTENCE, voice, 1.0)
        assert speech.pcm.dtype == np.int16
        assert speech.pcm.ndim == 1
        assert speech.duration_s > 2
        assert np.abs(speech.pcm.astype(int)).max() > 1000

    def test_longer_text_is_longer(self, engine, voice):
        short, long = (engine.speak(text, voice, 1.0).duration_s for text in (SENTENCE, LONGER))
        assert 1.6 < long / short < 2.6

    @pytest.mark.parametrize("rate", [0.5, 0.8, 1.5, 2.0, 2.5, 3.0])
    def test_rate_shortens(self, engine, voice, rate):
        normal, other = (engine.speak(LONGER, voice, speed) for speed in (1.0, rate))
        assert normal.duration_s / other.duration_s == pytest.approx(rate, rel=0.12)

    @pytest.mark.parametrize("rate", [0.5, 1.0, 1.3, 3.0])
    def test_words_are_marked_in_order_and_within_bounds(self, engine, voice, rate):
        for text in (SENTENCE, STRANGE["emoji"], STRANGE["right to left"], "R&D is <b>bold</b>."):
            speech = engine.speak(text, voice, rate)
            assert bool(speech.words) == self.marks_words
            for word, following in pairwise(speech.words):
                assert word.end <= following.start
                assert word.sample <= following.sample
            for word in speech.words:
                assert 0 <= word.start < word.end <= len(text)
                assert 0 <= word.sample < len(speech.pcm)

    @pytest.mark.parametrize("rate", [1.0, 1.5])
    def test_marks_hit_words(self, engine, voice, rate):
        text = "Café — 😀 naïve “quotes”, R&D < sense"
        speech = engine.speak(text, voice, rate)
        if self.marks_words:
            marked = {text[word.start : word.end] for word in speech.words}
            assert {"Café", "😀", "naïve", "R&D", "sense"} <= marked

    def test_words_keep_their_place_at_any_rate(self, engine, voice):
        if self.marks_words:
            slow, fast = (engine.speak(LONGER, voice, speed) for speed in (1.0, 3.0))
            for one, other in zip(slow.words, fast.words, strict=True):
                assert (one.start, one.end) == (other.start, other.end)
                share = one.sample / len(slow.pcm)
                assert other.sample / len(fast.pcm) == pytest.approx(share, abs=0.06)

    @pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
    def test_strange_text_is_spoken(self, engine, voice, text):
        speech = engine.speak(text, voice, 1.0)
        assert speech.duration_s > 0.1

    @pytest.mark.parametrize("text", UNHEARD)
    def test_text_without_words_is_next_to_nothing(self, engine, voice, text):
        speech = engine.speak(text, voice, 1.0)
        assert not can_be_heard(text)
        assert 0 < speech.duration_s < 0.1
        assert speech.words == ()

    def test_no_pause_at_the_end(self, engine, voice):
        speech = engine.speak(SENTENCE, voice, 1.0)
        tail = speech.pcm[-speech.sample_rate // 50 :]
        assert np.abs(tail.astype(int)).max() > 32

    @pytest.mark.parametrize("unknown", ["nobody-at-all", "", "../../etc/passwd", "x" * 70_000])
    def test_unknown_voice_is_permanent(self, engine, unknown):
        with pytest.raises(Rejected) as refused:
            engine.speak(SENTENCE, unknown, 1.0)
        assert len(str(refused.value)) < 300
        _survives_pickling(refused.value)

    def test_too_long_is_permanent(self, engine, voice):
        with pytest.raises(Rejected) as refused:
            engine.speak("a " * engine.max_characters, voice, 1.0)
        assert refused.value.code == "text_too_long"
        _survives_pickling(refused.value)

    @pytest.mark.parametrize("rate", [0.0, 0.49, 3.01, float("nan"), -1.0])
    def test_rate_out_of_range_is_permanent(self, engine, voice, rate):
        with pytest.raises(Permanent):
            engine.speak(SENTENCE, voice, rate)

    def test_goes_on_after_a_refusal(self, engine, voice):
        with pytest.raises(Rejected):
            engine.speak(SENTENCE, "nobody-at-all", 1.0)
        assert engine.speak(SENTENCE, voice, 1.0).duration_s > 2

    def test_fingerprint_is_stable(self, engine, config):
        twin = build_engine(config)
        try:
            assert twin.fingerprint == engine.fingerprint
            assert engine.name in engine.fingerprint
        finally:
            twin.close()

    def test_fingerprint_changes_with_the_sound(self, engine, other_sounds):
        fingerprints = {engine.fingerprint}
        for config in other_sounds:
            other = build_engine(config)
            fingerprints.add(other.fingerprint)
            other.close()
        assert len(fingerprints) == 1 + len(other_sounds)

    def test_secrets_stay_hidden(self, engine, config):
        shown = repr(config) + str(config) + repr(engine) + engine.fingerprint
        assert "S3CRET" not in shown

    def test_voices_are_presentable(self, engine, voice):
        voices = engine.voices()
        assert voice in {known.id for known in voices}
        assert len({known.id for known in voices}) == len(voices)
        for known in voices:
            assert known.engine == engine.name
            assert known.id.strip()
            assert known.name.strip() == known.name
            assert known.language
            assert known.gender in ("female", "male", None)

    @pytest.mark.parametrize("language", ["en", "en-US", "de-DE", "zh", "tlh", "und", ""])
    def test_every_language_has_a_default_voice(self, engine, language):
        assert engine.default_voice(language) in {known.id for known in engine.voices()}

    def test_close_is_idempotent(self, config, voice):
        engine = build_engine(config)
        engine.close()
        engine.speak("Once.", voice, 1.0)
        engine.close()
        engine.close()

    def test_config_is_picklable(self, config):
        assert pickle.loads(pickle.dumps(config)) == config

    def test_speaks_in_a_process_pool(self, config, engine, voice):
        expected = engine.speak(SENTENCE, voice, 1.0)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            samples, rate, fingerprint = pool.submit(
                speak_in_pool, config, SENTENCE, voice
            ).result()
            refused = pool.submit(speak_in_pool, config, SENTENCE, "nobody-at-all").exception()
            # The pool is whole after a refusal.
            assert pool.submit(speak_in_pool, config, "Again.", voice).result()
        assert samples == pytest.approx(len(expected.pcm), rel=0.02)
        assert rate == expected.sample_rate
        assert fingerprint == engine.fingerprint
        assert isinstance(refused, Rejected)


def _survives_pickling(error: Rejected) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.code) == (type(error), str(error), error.code)
