import dataclasses
from typing import Any

import pytest
from moto import mock_aws

from libs.common.errors import Throttled, Unavailable
from services.synth.engines.polly.config import PollyConfig
from services.synth.engines.polly.engine import PollyEngine
from services.synth.engines.port import EngineBroken, EngineDenied, SpeechRejected
from services.synth.engines.tests import servers

KEYS: dict[str, Any] = {"access_key_id": "AKID", "secret_access_key": "S3CRET"}


def config_of(**more: Any) -> PollyConfig:
    return PollyConfig(**{"region": "us-east-1", "engine": "standard", **more})


@pytest.fixture
def server():
    with servers.serving(servers.polly) as server:
        yield server


@pytest.fixture
def config(server):
    return config_of(endpoint_url=server.url, **KEYS)


@pytest.fixture
def engine(config):
    engine = PollyEngine(config)
    yield engine
    engine.close()


def spoken(server: servers.Server) -> list[dict[str, Any]]:
    return [body for line, _, body in server.requests if line.endswith("/v1/speech")]


@pytest.mark.slow
def test_asks_for_sound_and_for_marks(engine, server):
    engine.speak("Hello there", "Joanna", 1.0)
    sound, marks = spoken(server)
    assert sound == {
        "Engine": "standard",
        "OutputFormat": "ogg_vorbis",
        "SampleRate": "22050",
        "Text": "Hello there",
        "TextType": "text",
        "VoiceId": "Joanna",
    }
    assert marks["OutputFormat"] == "json"
    assert marks["SpeechMarkTypes"] == ["word"]
    assert {marks[name] for name in ("Text", "VoiceId")} == {"Hello there", "Joanna"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "form", "rate"),
    [
        ({}, "ogg_vorbis", 22_050),
        ({"engine": "neural"}, "ogg_vorbis", 24_000),
        ({"sample_rate_hz": 16_000}, "pcm", 16_000),
        ({"engine": "neural", "sample_rate_hz": 8_000}, "pcm", 8_000),
    ],
)
def test_pcm_where_polly_has_it_else_vorbis(config, server, changes, form, rate):
    engine = PollyEngine(dataclasses.replace(config, **changes))
    assert engine.speak("Hello", "Joanna", 1.0).sample_rate == rate
    assert spoken(server)[0]["OutputFormat"] == form
    engine.close()


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"engine": "generative"}, {"word_marks": False}])
def test_marks_are_not_bought_where_there_are_none(config, server, changes):
    engine = PollyEngine(dataclasses.replace(config, **changes))
    assert engine.speak("Hello", "Joanna", 1.0).words == ()
    assert len(spoken(server)) == 1
    engine.close()


@pytest.mark.slow
def test_nothing_to_hear_costs_nothing(engine, server):
    engine.speak("...", "Joanna", 1.0)
    assert spoken(server) == []


@pytest.mark.slow
def test_all_pages_of_voices_are_read_once(engine, server):
    assert [voice.id for voice in engine.voices()] == [name for name, *_ in servers.POLLY_VOICES]
    assert {voice.language for voice in engine.voices()} >= {"en-US", "en-GB-x-wls", "cmn-CN"}
    engine.voices()
    assert len(server.requests) == 2
    assert "Engine=standard" in server.requests[0][0]


@pytest.mark.slow
def test_default_voices(engine):
    chosen = {tag: engine.default_voice(tag) for tag in ("en", "en-GB", "en-ZA", "de", "zh", "xx")}
    assert chosen == {
        "en": "Joanna",
        "en-GB": "Amy",
        "en-ZA": "Joanna",
        "de": "Vicki",
        "zh": "Zhiyu",
        "xx": "Joanna",
    }


def test_without_the_right_to_list_eight_voices_are_known(engine, server):
    server.voices = servers.aws_error(403, "AccessDeniedException", "arn:aws:iam::1:user/x")
    assert [voice.id for voice in engine.voices()] == [
        *("Ivy", "Joanna", "Joey", "Justin", "Kendra", "Kimberly", "Matthew", "Salli")
    ]
    assert engine.speak("Hello", "Vicki", 1.0).duration_s > 0.1  # Polly has it, and says so
    with pytest.raises(SpeechRejected):
        engine.speak("Hello", "Nobody", 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("UnrecognizedClientException", 403, EngineDenied),
        ("ServiceFailureException", 500, Unavailable),
        ("ThrottlingException", 429, Throttled),
    ],
)
def test_other_failures_to_list_are_told(engine, server, code, status, kind):
    server.voices = servers.aws_error(status, code)
    with pytest.raises(kind):
        engine.voices()
    server.voices = None
    assert len(engine.voices()) == len(servers.POLLY_VOICES)


@pytest.mark.slow
def test_an_empty_list_is_a_wrong_setting(engine, server):
    server.voices = servers.Answer(200, b'{"Voices": []}')
    with pytest.raises(EngineBroken):
        engine.voices()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "kind", "calls"),
    [
        ("ThrottlingException", 400, Throttled, 2),
        ("ServiceFailureException", 500, Unavailable, 2),
        ("InvalidSsmlException", 400, SpeechRejected, 1),
        ("AccessDeniedException", 403, EngineDenied, 1),
        ("InvalidSignatureException", 403, EngineDenied, 1),
    ],
)
def test_errors_are_sorted_and_retried_at_most_once(engine, server, code, status, kind, calls):
    engine.voices()
    server.queued = [servers.aws_error(status, code, "AKID S3CRET")] * calls
    with pytest.raises(kind) as raised:
        engine.speak("Hello", "Joanna", 1.0)
    assert "S3CRET" not in str(raised.value)
    assert len(spoken(server)) == calls


@pytest.mark.slow
def test_an_answer_that_breaks_off_is_transient(engine, server):
    engine.voices()
    server.queued = [servers.Answer(200, b"OggS", {"Content-Length": "5000"})]
    with pytest.raises(Unavailable):
        engine.speak("Hello", "Joanna", 1.0)


def test_no_server_is_transient():
    engine = PollyEngine(config_of(endpoint_url="http://127.0.0.1:9", **KEYS))
    with pytest.raises(Unavailable):
        engine.speak("Hello", "Joanna", 1.0)
    engine.close()


@pytest.mark.slow
def test_unreadable_marks_are_told(engine, server):
    pcm = servers.encoded(servers.tone(5, 1.0, 22_050), 22_050, "OGG", "VORBIS")
    engine.voices()
    server.queued = [servers.Answer(200, pcm), servers.Answer(200, b"<html>")]
    with pytest.raises(EngineBroken):
        engine.speak("Hello", "Joanna", 1.0)


def test_no_credentials_are_denied(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    engine = PollyEngine(config_of(endpoint_url=server.url))
    with pytest.raises(EngineDenied):
        engine.speak("Hello", "Joanna", 1.0)
    engine.close()


@pytest.mark.slow
def test_text_that_grows_too_long_by_escaping(engine):
    with pytest.raises(SpeechRejected) as refused:
        engine.speak("&" * 2900 + "a", "Joanna", 1.5)
    assert refused.value.code == "text_too_long"


@pytest.mark.slow
@mock_aws
def test_reads_what_moto_describes():
    engine = PollyEngine(config_of(**KEYS))
    voices = {voice.id: voice for voice in engine.voices()}
    assert (voices["Joanna"].language, voices["Joanna"].gender) == ("en-US", "female")
    assert voices["Hans"].language == "de-DE"
    assert engine.default_voice("de-DE") in voices
    engine.close()
