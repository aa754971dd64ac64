import subprocess
import sys

import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.port import TextTooLong, UnknownVoice
from services.synth.engines.tests import servers
from services.synth.synthesis import engine_worker

ESPEAK = EspeakConfig()


@pytest.mark.slow
async def test_an_engine_says_what_it_is(pool):
    info = await pool.run(engine_worker.describe, ESPEAK)
    assert (info.name, info.default_voice) == ("espeak", "en-us")
    assert info.fingerprint.startswith("espeak/")
    assert {"en-us", "de"} <= {voice.id for voice in info.voices}
    assert info == await pool.run(engine_worker.describe, ESPEAK)


@pytest.mark.slow
async def test_an_utterance_is_spoken_and_encoded(pool):
    [made] = await pool.run(
        engine_worker.speak, ESPEAK, ["Hello world."], "en-us", 1.0, 2.0, ("aac", "opus"), False
    )
    assert set(made.encoded) == {"aac", "opus"}
    assert made.lossless is None
    aac = segment_file.load(made.encoded["aac"])
    assert (aac.samples, aac.gain_db) == (made.samples, 2.0)
    assert [(word.start, word.end) for word in aac.words] == [(0, 5), (6, 11)]


@pytest.mark.slow
async def test_what_was_kept_needs_no_speaking(pool):
    spoken = (["Hello."], "en-us", 1.0, 2.0, ("aac",), True)
    [made] = await pool.run(engine_worker.speak, ESPEAK, *spoken)
    again = await pool.run(engine_worker.encode_again, made.lossless, 2.0, ("aac", "mp3"))
    assert again.encoded["aac"] == made.encoded["aac"]
    assert set(again.encoded) == {"aac", "mp3"}
    with pytest.raises(ObjectCorrupt):
        await pool.run(engine_worker.encode_again, made.lossless[:-1], 2.0, ("aac",))


async def test_an_error_of_the_engine_comes_out_of_the_process_as_it_is(pool):
    with pytest.raises(UnknownVoice) as caught:
        await pool.run(
            engine_worker.speak, ESPEAK, ["Hello."], "klingon!", 1.0, 0.0, ("aac",), False
        )
    assert caught.value.code == "unknown_voice"


async def test_what_was_spoken_before_a_failure_is_not_lost(pool):
    how = ("en-us", 1.0, 0.0, ("aac",), False)
    texts = ["Hello.", "There.", "a" * 2001, "Bye."]
    made = await pool.run(engine_worker.speak, ESPEAK, texts, *how)
    alone = [(await pool.run(engine_worker.speak, ESPEAK, [text], *how))[0] for text in texts[:2]]
    assert [files.encoded.keys() for files in made] == [files.encoded.keys() for files in alone]
    with pytest.raises(TextTooLong):
        await pool.run(engine_worker.speak, ESPEAK, texts[2:], *how)


async def test_the_gain_of_a_voice_brings_it_to_one_loudness(pool):
    gain_db = await pool.run(engine_worker.measure_voice, ESPEAK, "en-us", "en-US", 1.0)
    assert -20 < gain_db < 20
    again = await pool.run(engine_worker.measure_voice, ESPEAK, "en-us", "en-US", 1.0)
    assert again == pytest.approx(gain_db, abs=0.3)  # espeak never speaks quite alike


@pytest.mark.slow
async def test_a_process_keeps_one_engine_of_a_config(pool):
    with servers.serving(servers.openai) as server:
        config = OpenAIConfig(base_url=f"{server.url}/v1", model="tts")
        for _ in range(2):
            assert (await pool.run(engine_worker.describe, config)).name == "openai"
        assert [line for line, *_ in server.requests] == ["GET /v1/audio/voices"]


@pytest.mark.slow
def test_to_name_the_work_needs_no_signal_processing():
    program = (
        "import sys\n"
        "from services.synth import app\n"
        "assert not {'av', 'numpy', 'soundfile', 'soxr'} & set(sys.modules), 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("tag", "known_as"),
    [("en-US", "en"), ("DE", "de"), ("cmn-CN", "zh"), ("nb", "no"), ("arb", "ar"), ("mul", "mul")],
)
def test_languages_go_by_the_names_that_texts_are_labeled_with(tag, known_as):
    assert engine_worker.primary(tag) == known_as
