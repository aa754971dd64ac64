import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest

from libs.common.errors import Permanent, Unavailable
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.espeak.engine import EspeakEngine
from services.synth.engines.port import EngineBroken, SpeechRejected, UnknownVoice

SENTENCE = "The ship left the harbor early, and nobody on the long pier waved."


@pytest.fixture(scope="module")
def engine():
    engine = EspeakEngine(EspeakConfig())
    yield engine
    engine.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "voice", "count"),
    [
        ("the strongest characters remembered everything about winter ", "en-us", 25),
        ("die Geschwindigkeitsbegrenzung wurde gestern verschoben ", "de", 25),
        ("我们喜欢读书", "cmn", 100),
        ("日本人", "ja", 100),
        ("わたしはねこがすき", "ja", 60),
        ("안녕하세요", "ko", 80),
        ("สวัสดีครับ", "th", 60),
        ("1234567 ", "en-us", 80),
        ("ba", "en-us", 400),
        ("😀", "en-us", 60),
        ("7", "en-us", 200),
    ],
)
def test_nothing_is_lost_however_long_a_clause_or_word_is(engine, unit, voice, count):
    """Five times the text is at least four times the sound."""
    some, all_of_it = (engine.speak(unit * n, voice, 1.0) for n in (count // 5, count))
    assert all_of_it.duration_s / some.duration_s > 4


@pytest.mark.slow
@pytest.mark.parametrize("text", ["A." * 1000, "e" + "\u0301" * 1999, "1.2." * 500, "(" * 2000])
def test_text_that_crashes_the_library_whole_is_spoken_in_pieces(engine, text):
    before = engine.worker_pid
    assert engine.speak(text, "en-us", 1.0).duration_s > 0
    assert engine.worker_pid == before


def test_a_script_that_stays_silent_is_told_not_skipped(engine):
    with pytest.raises(SpeechRejected) as refused:
        engine.speak("\u13a0\u13a1", "en-us", 1.0)  # Cherokee
    assert refused.value.code == "speech_silent"


def test_digits_of_other_scripts_are_spoken(engine):
    assert engine.speak("١٢٣", "en-us", 1.0).duration_s > 0.5


@pytest.mark.slow
def test_every_voice_speaks(engine):
    for voice in engine.voices():
        assert engine.speak("one 1984", voice.id, 1.0).duration_s > 0.3, voice


def test_markup_and_phonemes_are_only_text(engine):
    plain, ssml, phonemes = (
        engine.speak(text, "en-us", 1.0).duration_s
        for text in ("hello", '<speak>hello<break time="20s"/></speak>', "[[h@loU]]")
    )
    assert ssml < 12
    assert phonemes > 1.5 * plain


def test_words_without_events_of_their_own_are_interpolated(engine):
    text = "He sat in the house, of the man, for 1234.50 dollars in 1984."
    words = engine.speak(text, "en-us", 1.0).words
    spoken = " ".join(text[word.start : word.end] for word in words)
    assert spoken == "He sat in the house of the man for 1234.50 dollars in 1984"
    samples = [word.sample for word in words]
    assert all(one < other for one, other in pairwise(samples))


def test_marks_are_where_the_sound_is(engine):
    """A word after a full stop begins after the quietest stretch."""
    speech = engine.speak("Stop. Go.", "en-us", 1.0)
    _, second = speech.words
    before = speech.pcm[second.sample - speech.sample_rate // 20 : second.sample]
    after = speech.pcm[second.sample : second.sample + speech.sample_rate // 5]
    assert np.abs(before.astype(int)).max() < 200
    assert np.abs(after.astype(int)).max() > 2000


@pytest.mark.parametrize("voice", ["en-us", "EN_US", "en-US", "gmw/en-US", "de", "en-gb", "fr"])
def test_voices_go_by_several_names(engine, voice):
    assert engine.speak("Hello", voice, 1.0).duration_s > 0.2


@pytest.mark.parametrize("voice", ["de-de", "en-us+f2", "!v/f1", "mb/mb-us1", "\x00", "en us"])
def test_variants_and_near_misses_are_unknown(engine, voice):
    with pytest.raises(UnknownVoice):
        engine.speak("Hello", voice, 1.0)


def test_the_library_stays_out_of_this_process(engine):
    engine.speak("Hello", "en-us", 1.0)
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc on this system")
    assert "espeak" not in maps.read_text()


def test_voices_differ(engine):
    german, english = (engine.speak(SENTENCE, voice, 1.0) for voice in ("de", "en-us"))
    assert len(german.pcm) != len(english.pcm)


def test_default_voices(engine):
    chosen = {tag: engine.default_voice(tag) for tag in ("en", "en-GB", "de-AT", "zh-CN", "pt-BR")}
    assert chosen == {
        "en": "en-us",
        "en-GB": "en-gb",
        "de-AT": "de",
        "zh-CN": "cmn",
        "pt-BR": "pt-br",
    }


def test_a_killed_worker_is_replaced(engine):
    first = engine.speak(SENTENCE, "en-us", 1.0)
    killed = engine.worker_pid
    os.kill(killed, signal.SIGKILL)
    again = engine.speak(SENTENCE, "en-us", 1.0)
    assert len(again.pcm) == pytest.approx(len(first.pcm), rel=0.02)
    assert engine.worker_pid != killed
    assert not psutil.pid_exists(killed)


# A worker that speaks the protocol and does what its text says; put in place of the real one.
FAKE_WORKER = """
import json, os, struct, sys, time
sys.path.insert(0, {folder!r})
import espeak_worker as real

def send(kind, payload=b""):
    real.send(sys.stdout.buffer.raw, kind, payload)

send(b"H", json.dumps({{"version": "0", "sample_rate": 8000}}).encode())
while message := real.receive(sys.stdin.buffer):
    kind, payload = message
    text = payload[4:]
    if kind == b"V":
        send(b"L", json.dumps([["English", [[5, "en-us"]], "en-US", "male"]]).encode())
    elif b"crash" in text or (b"stumble" in text and not os.path.exists({flag!r})):
        open({flag!r}, "w").close()
        send(b"A", b"12" * 500)
        os.abort()
    elif b"hang" in text:
        time.sleep(60)
    else:
        send(b"A", b"12" * 500)
        send(b"E")
"""


@pytest.fixture
def fragile(tmp_path, monkeypatch):
    from services.synth.engines.espeak import espeak_process

    worker = tmp_path / "worker.py"
    folder = str(Path(espeak_process.__file__).parent)
    worker.write_text(FAKE_WORKER.format(folder=folder, flag=str(tmp_path / "stumbled")))
    monkeypatch.setattr(espeak_process, "_WORKER", worker)
    engine = EspeakEngine(EspeakConfig(timeout_s=1.0))
    yield engine
    engine.close()


def test_a_text_that_kills_the_worker_once_is_spoken_by_the_next(fragile):
    assert len(fragile.speak("stumble", "en-us", 1.0).pcm) == 500


def test_a_text_that_kills_the_worker_twice_is_permanent(fragile):
    with pytest.raises(SpeechRejected) as refused:
        fragile.speak("crash", "en-us", 1.0)
    assert refused.value.code == "speech_crashed"
    assert len(fragile.speak("fine", "en-us", 1.0).pcm) == 500


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended(fragile):
    fragile.speak("fine", "en-us", 1.0)
    pid = fragile.worker_pid
    with pytest.raises(Unavailable):
        fragile.speak("hang", "en-us", 1.0)
    assert not psutil.pid_exists(pid)
    assert len(fragile.speak("fine", "en-us", 1.0).pcm) == 500


def test_a_missing_library_is_permanent():
    engine = EspeakEngine(EspeakConfig(library="/nowhere/libespeak-ng.so"))
    with pytest.raises(EngineBroken):
        engine.speak("Hello", "en-us", 1.0)
    engine.close()


def test_a_missing_data_folder_is_permanent_and_does_not_exit():
    engine = EspeakEngine(EspeakConfig(data="/nowhere/espeak-ng-data"))
    with pytest.raises(Permanent):
        engine.speak("Hello", "en-us", 1.0)
    engine.close()


def test_close_ends_the_worker():
    engine = EspeakEngine(EspeakConfig())
    engine.speak("Hello", "en-us", 1.0)
    pid = engine.worker_pid
    assert pid
    engine.close()
    assert not psutil.pid_exists(pid)
    assert engine.worker_pid is None


def test_an_engine_that_is_dropped_leaves_no_worker():
    engine = EspeakEngine(EspeakConfig())
    engine.speak("Hello", "en-us", 1.0)
    pid = engine.worker_pid
    assert pid
    del engine
    assert not psutil.pid_exists(pid)


OWNER = """
import os, signal
from services.synth.engines.build import build_engine
from services.synth.engines.espeak.config import EspeakConfig
engine = build_engine(EspeakConfig())
engine.speak("Hello", "en-us", 1.0)
print(engine.worker_pid, flush=True)
os.kill(os.getpid(), signal.{signal})
signal.pause()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_killed_owner_leaves_no_worker(name):
    program = OWNER.format(signal=name)
    owner = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[5],
    )
    assert _ends_within(int(owner.stdout), 5.0)


def _ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.02)
                continue
        return True
    return False
