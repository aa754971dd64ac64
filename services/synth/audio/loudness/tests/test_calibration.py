import numpy as np
import pytest

from services.synth.audio.codecs.codec import CODEC_OF_FORMAT, CODECS, RATE_HZ
from services.synth.audio.containers.tags import Tags
from services.synth.audio.loudness import bs1770, limiter
from services.synth.audio.loudness.calibration import TARGET_LUFS, calibrate, gain_db
from services.synth.audio.loudness.calibration_texts import passage
from services.synth.audio.page import PagePart, write_page
from services.synth.audio.produce import produce
from services.synth.audio.tests.espeak import speak
from services.synth.audio.tests.signals import (
    PAGE_FORMATS,
    decode_file,
    longest_silence_s,
    speech_like,
)

PAGE = (
    "It was the third time that week that the elevator had stopped between floors.",
    "Mrs. Alvarez put down her bags, sighed, and pressed the red button.",
    "Nothing happened.",
    "Somewhere above, a door opened; somebody laughed, and the door closed again.",
    "What would you have done with forty minutes, two melons, and no telephone?",
    "She sat down on the larger of the bags and began to sing.",
)


def test_gain_goes_to_the_target_in_tenths():
    assert gain_db(-23.04) == pytest.approx(4.0)
    assert gain_db(-15.0) == pytest.approx(-4.0)
    assert gain_db(-90.0) == 30.0
    assert gain_db(None) == 0.0


@pytest.mark.parametrize("peak", [1000, 3000, 30_000])
def test_calibrated_passage_is_at_the_target(peak):
    spoken = [speech_like(2.0 + n / 3, n, peak=peak) for n in range(5)]
    found = calibrate(spoken, RATE_HZ)
    assert found.gain_db == round(found.gain_db, 1)
    loud = [
        energies
        for sentence in spoken
        for energies in (
            bs1770.energies(limiter.apply(sentence, found.gain_db), RATE_HZ),
            bs1770.silence(0.4),
        )
    ]
    assert bs1770.integrated(loud) == pytest.approx(TARGET_LUFS, abs=0.3)


def test_silent_voice_gets_no_gain():
    assert calibrate([np.zeros(24_000, np.int16)], RATE_HZ).gain_db == 0.0
    assert calibrate([], RATE_HZ).gain_db == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("voice", "language"), [("en-us", "en"), ("en-gb-x-rp", "en"), ("de", "de"), ("fr", "fr")]
)
def test_real_voices_reach_the_target_in_every_format(voice, language, tmp_path):
    """One gain per voice, measured on its passage, brings another text to -19 LUFS +-1."""
    rate, spoken = speak(voice, [*passage(language), *PAGE])
    found = calibrate(spoken[: len(passage(language))], rate)
    made = [
        produce(sentence, rate, (), found.gain_db, list(CODECS))
        for sentence in spoken[len(passage(language)) :]
    ]
    for name in PAGE_FORMATS:
        parts = [PagePart(files.encoded[CODEC_OF_FORMAT[name].name], 400) for files in made]
        page = write_page(tmp_path / name, parts, name, Tags(title="Page"))
        heard = decode_file(tmp_path / name).samples
        pcm = (heard * 32767).clip(-32768, 32767).astype(np.int16)
        measured = bs1770.integrated([bs1770.energies(pcm, RATE_HZ)])
        assert measured == pytest.approx(TARGET_LUFS, abs=1.0)
        assert page.loudness_lufs == pytest.approx(measured, abs=0.3)
        assert limiter.true_peak_dbtp(pcm) < -2.0
        assert longest_silence_s(heard) < 1.0
