import numpy as np
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.codec import CODECS, RATE_HZ
from services.synth.audio.produce import (
    from_flac,
    produce,
    reproduce,
    to_flac,
)
from services.synth.audio.tests.signals import speech_like
from services.synth.engines.port import WordMark

WORDS = (WordMark(0, 3, 0), WordMark(4, 9, 11_025))


def test_every_codec_comes_from_the_same_samples():
    made = produce(speech_like(1.0), 22_050, WORDS, 2.0, list(CODECS))
    files = [segment_file.load(made.encoded[codec]) for codec in CODECS]
    assert {file.samples for file in files} == {made.samples}
    assert made.samples == pytest.approx(RATE_HZ * RATE_HZ / 22_050, abs=1)
    assert all(file.words[1].sample == 12_000 for file in files)
    assert all(np.array_equal(file.energies, files[0].energies) for file in files)
    assert made.lossless is None


def test_kept_lossless_reproduces_the_same_bytes():
    made = produce(speech_like(1.0), 22_050, WORDS, 3.0, ["aac"], keep_lossless=True)
    assert made.lossless is not None
    again = reproduce(made.lossless, 3.0, ["aac", "mp3"])
    assert again.encoded["aac"] == made.encoded["aac"]
    assert segment_file.load(again.encoded["mp3"]).words == segment_file.load(made.lossless).words


def test_repeated_is_identical():
    first, second = (produce(speech_like(1.0), 22_050, WORDS, 3.0, list(CODECS)) for _ in "ab")
    assert first == second


def test_gain_is_in_the_energies():
    quiet, loud = (
        segment_file.load(produce(speech_like(1.0), RATE_HZ, (), gain, ["mp3"]).encoded["mp3"])
        for gain in (0.0, -6.0)
    )
    assert (quiet.energies / loud.energies).mean() == pytest.approx(10**0.6, rel=0.01)


def test_flac_keeps_every_sample():
    pcm = speech_like(1.0)
    back, rate = from_flac(to_flac(pcm, 22_050))
    assert rate == 22_050
    assert np.array_equal(back, pcm)


def test_damage_is_found():
    with pytest.raises(ObjectCorrupt):
        from_flac(b"fLaC" + bytes(40))
    made = produce(speech_like(0.5), RATE_HZ, (), 0.0, ["aac"], keep_lossless=True)
    assert made.lossless is not None
    with pytest.raises(ObjectCorrupt):
        reproduce(made.lossless[:-1], 0.0, ["aac"])
    with pytest.raises(ObjectCorrupt):
        reproduce(made.encoded["aac"], 0.0, ["aac"])
