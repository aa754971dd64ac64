import dataclasses

import psutil
import pytest

from services.synth.engines.build import build_engine
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.polly.config import PollyConfig
from services.synth.engines.tests import servers
from services.synth.engines.tests.contract import EngineContract


@pytest.fixture(scope="class")
def engine(config):
    engine = build_engine(config)
    yield engine
    engine.close()


class TestEspeak(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def config(cls):
        yield EspeakConfig()
        children = (child.cmdline() for child in psutil.Process().children(recursive=True))
        assert not [command for command in children if "espeak_worker" in " ".join(command)]

    @pytest.fixture(scope="class")
    @classmethod
    def voice(cls):
        return "en-us"

    @pytest.fixture(scope="class")
    @classmethod
    def other_sounds(cls, config):
        return [dataclasses.replace(config, pitch=60), dataclasses.replace(config, pitch_range=60)]


class TestPolly(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def config(cls):
        with servers.serving(servers.polly) as server:
            yield PollyConfig(
                region="us-east-1",
                engine="standard",
                endpoint_url=server.url,
                access_key_id="AKIDS3CRET",
                secret_access_key="S3CRET",
                session_token="S3CRETTOKEN",
            )

    @pytest.fixture(scope="class")
    @classmethod
    def voice(cls):
        return "Joanna"

    @pytest.fixture(scope="class")
    @classmethod
    def other_sounds(cls, config):
        return [
            dataclasses.replace(config, engine="neural"),
            dataclasses.replace(config, sample_rate_hz=16_000),
        ]


class TestOpenAI(EngineContract):
    marks_words = False

    @pytest.fixture(scope="class")
    @classmethod
    def config(cls):
        with servers.serving(servers.openai) as server:
            host = server.url.removeprefix("http://")
            yield OpenAIConfig(
                base_url=f"http://user:S3CRET@{host}/v1", model="tts-1-hd", api_key="sk-S3CRET"
            )

    @pytest.fixture(scope="class")
    @classmethod
    def voice(cls):
        return "alloy"

    @pytest.fixture(scope="class")
    @classmethod
    def other_sounds(cls, config):
        return [
            dataclasses.replace(config, model="tts-1"),
            dataclasses.replace(config, instructions="Speak like a sailor."),
            dataclasses.replace(config, base_url="http://127.0.0.1:1/v1"),
        ]
