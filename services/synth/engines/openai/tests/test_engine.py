import dataclasses
import gzip
import json
import tracemalloc

import numpy as np
import pytest

from libs.common.errors import Throttled, Unavailable
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.openai.engine import OpenAIEngine
from services.synth.engines.port import EngineBroken, EngineDenied, UnknownVoice
from services.synth.engines.tests import servers

PCM = servers.tone(40, 1.0, 24_000)


@pytest.fixture
def server():
    with servers.serving(servers.openai) as server:
        yield server


@pytest.fixture
def config(server):
    return OpenAIConfig(
        base_url=server.url + "/v1/",
        model="gpt-4o-mini-tts",
        api_key="sk-S3CRET",
        voices=("alloy", "b"),
    )


@pytest.fixture
def engine(config):
    engine = OpenAIEngine(config)
    yield engine
    engine.close()


def test_sends_what_the_interface_asks_for(config, server):
    engine = OpenAIEngine(dataclasses.replace(config, instructions="Calmly."))
    engine.speak("Hello", "b", 1.25)
    [(line, headers, body)] = server.requests
    assert line == "POST /v1/audio/speech"
    assert headers["authorization"] == "Bearer sk-S3CRET"
    assert body == {
        "model": "gpt-4o-mini-tts",
        "input": "Hello",
        "voice": "b",
        "response_format": "pcm",
        "speed": 1.25,
        "instructions": "Calmly.",
    }
    engine.close()


def test_a_key_out_of_a_file_has_a_new_line_that_is_not_meant(config, server):
    engine = OpenAIEngine(dataclasses.replace(config, api_key="sk-S3CRET\n"))
    engine.speak("Hello", "b", 1.0)
    [(_, headers, _)] = server.requests
    assert headers["authorization"] == "Bearer sk-S3CRET"
    engine.close()


@pytest.mark.parametrize("key", ["sk-\u00fc", "sk-\nnext"])
def test_what_is_no_key_is_told_and_not_shown(config, server, key):
    engine = OpenAIEngine(dataclasses.replace(config, api_key=key))
    with pytest.raises(EngineBroken) as raised:
        engine.speak("Hello", "b", 1.0)
    assert key not in str(raised.value)


def test_no_key_sends_none(config, server):
    engine = OpenAIEngine(dataclasses.replace(config, api_key=None))
    engine.speak("Hello", "b", 1.0)
    [(_, headers, body)] = server.requests
    assert "authorization" not in headers
    assert "instructions" not in body
    engine.close()


@pytest.mark.parametrize("form", ["pcm", "wav", "flac", "mp3"])
def test_any_format(config, form):
    engine = OpenAIEngine(dataclasses.replace(config, response_format=form))
    speech = engine.speak("Twenty or so letters.", "b", 1.0)
    assert speech.sample_rate == 24_000
    assert speech.duration_s == pytest.approx(21 * servers.SECONDS_PER_CHARACTER, abs=0.1)
    engine.close()


def test_wav_in_place_of_pcm_is_noticed(engine, server):
    wav = servers.encoded(PCM, 16_000, "WAV")
    server.queued = [servers.Answer(200, wav, {"Content-Type": "audio/pcm"})]
    speech = engine.speak("Hello", "b", 1.0)
    assert speech.sample_rate == 16_000
    assert np.array_equal(speech.pcm[:9000], PCM[:9000])


def test_answers_that_are_packed_are_refused_and_not_unpacked(engine, server):
    bomb = bytes(50_000_000)
    for _ in range(3):
        bomb = gzip.compress(bomb)
    packed = {"Content-Type": "audio/pcm", "Content-Encoding": "gzip, gzip, gzip"}
    server.queued = [servers.Answer(200, bomb, packed)]
    tracemalloc.start()
    try:
        with pytest.raises(EngineBroken, match="packs"):
            engine.speak("Hello", "b", 1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    assert server.requests[-1][1]["accept-encoding"] == "identity"


def test_nothing_to_hear_costs_nothing(engine, server):
    engine.speak("—", "b", 1.0)
    assert server.requests == []


def test_configured_voices_are_not_asked_for(engine, server):
    assert [voice.id for voice in engine.voices()] == ["alloy", "b"]
    assert server.requests == []


@pytest.mark.parametrize(
    "listed",
    [
        {"voices": ["af_bella", "am_adam"]},
        {"voices": [{"id": "af_bella", "name": "Bella"}, {"voice_id": "am_adam"}]},
        {"data": [{"name": "af_bella"}, {"id": "am_adam"}]},
        ["af_bella", {"id": "am_adam"}, 7, {}],
    ],
)
def test_voices_that_the_server_lists(config, server, listed):
    server.voices = servers.Answer(200, json.dumps(listed).encode())
    engine = OpenAIEngine(dataclasses.replace(config, voices=()))
    assert [voice.id for voice in engine.voices()] == ["af_bella", "am_adam"]
    assert engine.voices()[0].name == "Af Bella"
    assert engine.default_voice("de") == "af_bella"
    with pytest.raises(UnknownVoice):
        engine.speak("Hello", "alloy", 1.0)
    assert len(server.requests) == 1
    engine.close()


@pytest.mark.parametrize(
    "answer", [None, servers.Answer(405, b""), servers.Answer(200, b"<html>welcome</html>")]
)
def test_a_server_without_a_list_has_the_voices_of_openai(config, server, answer):
    server.voices = answer
    engine = OpenAIEngine(dataclasses.replace(config, voices=()))
    assert "shimmer" in {voice.id for voice in engine.voices()}
    engine.close()


def test_a_failure_to_list_is_told(config, server):
    server.voices = servers.Answer(401, b"")
    engine = OpenAIEngine(dataclasses.replace(config, voices=()))
    with pytest.raises(EngineDenied):
        engine.voices()
    engine.close()


def test_throttling_says_for_how_long(engine, server):
    server.queued = [servers.Answer(429, b"{}", {"Retry-After": "12"})]
    with pytest.raises(Throttled) as raised:
        engine.speak("Hello", "b", 1.0)
    assert raised.value.retry_after_s == 12.0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (servers.Answer(503, b"down"), Unavailable),
        (servers.Answer(401, b"sk-S3CRET"), EngineDenied),
        (servers.Answer(200, b"{}", {"Content-Type": "application/json"}), EngineBroken),
        (servers.Answer(200, b"", {"Content-Type": "audio/pcm"}), Unavailable),
        (servers.Answer(200, b"\0" * 9, {"Content-Length": "900"}), Unavailable),
        (servers.Answer(307, b"", {"Location": "http://elsewhere.test/"}), EngineBroken),
    ],
)
def test_errors_are_sorted_and_keep_the_key(engine, server, answer, kind):
    server.queued = [answer]
    with pytest.raises(kind) as raised:
        engine.speak("Hello", "b", 1.0)
    assert "S3CRET" not in str(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("base_url", "kind"),
    [
        ("http://user:S3CRET@127.0.0.1:9/v1", Unavailable),
        ("127.0.0.1/v1", EngineBroken),
        ("http://h.test:port/v1", EngineBroken),
    ],
)
def test_an_address_where_nothing_is(base_url, kind):
    engine = OpenAIEngine(OpenAIConfig(base_url=base_url, model="tts", voices=("b",)))
    with pytest.raises(kind) as raised:
        engine.speak("Hello", "b", 1.0)
    assert "S3CRET" not in str(raised.value)
    engine.close()


def test_a_slow_server_is_given_up(config, server):
    engine = OpenAIEngine(dataclasses.replace(config, total_timeout_s=0.0))
    with pytest.raises(Unavailable, match="too long"):
        engine.speak("Hello", "b", 1.0)
    engine.close()


def test_the_fingerprint_has_no_secrets(engine, config):
    other = dataclasses.replace(config, base_url="http://me:S3CRET@h.test/v1?key=S3CRET")
    assert "S3CRET" not in OpenAIEngine(other).fingerprint
    again = dataclasses.replace(config, api_key="sk-another", base_url=config.base_url.rstrip("/"))
    assert OpenAIEngine(again).fingerprint == engine.fingerprint
