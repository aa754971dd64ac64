import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synth.speech import (
    EngineBroken,
    EngineDenied,
    EspeakConfig,
    OpenAIConfig,
    PollyConfig,
    Speech,
    SpeechRejected,
    TextTooLong,
    UnknownVoice,
    build_engine,
    segment_key,
)


@pytest.mark.parametrize("config", [EspeakConfig(), PollyConfig(), OpenAIConfig()])
def test_builds_the_engine_of_a_config(config):
    engine = build_engine(config)
    assert engine.name == type(config).__name__.removesuffix("Config").lower()
    assert engine.max_characters >= 2000
    engine.close()


def test_an_engine_needs_only_its_own_libraries():
    program = (
        "import sys\n"
        "from services.synth.speech import EspeakConfig, build_engine\n"
        "build_engine(EspeakConfig())\n"
        "assert not {'boto3', 'botocore', 'httpx', 'soundfile'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])


def test_segment_key_is_fixed_for_ever():
    """A change here would throw away everything that was ever spoken."""
    key = segment_key("espeak/1", "en-us", 1.0, "Hello, wörld 😀")
    assert key == "2da478dec295522b5b5ed9304d022261ea71c2c4c002d43321bd650ce579d8aa"


texts = st.text(st.characters(codec=None), max_size=8)
inputs = st.tuples(texts, texts, st.floats(0.5, 3.0), texts)


@given(inputs, inputs)
def test_different_inputs_have_different_keys(one, other):
    assert (segment_key(*one) == segment_key(*other)) == (one == other)


def test_parts_do_not_run_into_one_another():
    assert segment_key("a", "b", 1.0, "c") != segment_key("ab", "", 1.0, "c")
    assert segment_key("a", 'b","c', 1.0, "d") != segment_key("a", "b", 1.0, 'c","d')
    assert segment_key("a", "b", 1, "c") == segment_key("a", "b", 1.0, "c")


@pytest.mark.parametrize(
    "error",
    [
        SpeechRejected("code", "A sentence."),
        UnknownVoice("polly", "Nobody"),
        TextTooLong("polly", 4000, 3000),
        EngineDenied("no"),
        EngineBroken("no"),
    ],
)
def test_errors_leave_a_process_pool_whole(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.code == error.code


def test_secrets_are_not_shown():
    polly = PollyConfig(access_key_id="S3CRET", secret_access_key="S3CRET", session_token="S3CRET")
    openai = OpenAIConfig(api_key="S3CRET", base_url="http://me:S3CRET@h.test")
    assert "S3CRET" not in repr((polly, openai))


def test_duration():
    assert Speech(np.zeros(12_000, dtype=np.int16), 24_000).duration_s == 0.5
