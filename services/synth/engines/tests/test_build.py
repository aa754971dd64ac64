import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from services.synth.engines.build import ENGINES, EngineConfig, build_engine
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.polly.config import PollyConfig

ESPEAK = EspeakConfig()
POLLY = PollyConfig(region="us-east-1", engine="standard")
OPENAI = OpenAIConfig(base_url="http://127.0.0.1:9/v1", model="tts")


def test_every_engine_has_a_name_and_a_config():
    assert len(ENGINES) == len(get_args(EngineConfig)) == 3


@pytest.mark.parametrize("config", [ESPEAK, POLLY, OPENAI])
def test_builds_the_engine_of_a_config(config):
    engine = build_engine(config)
    assert engine.name == type(config).__name__.removesuffix("Config").lower()
    assert engine.name in ENGINES
    assert engine.max_characters >= 2000
    engine.close()


@pytest.mark.slow
def test_an_engine_needs_only_its_own_libraries():
    program = (
        "import sys\n"
        "from services.synth.engines.build import build_engine\n"
        "from services.synth.engines.espeak.config import EspeakConfig\n"
        "build_engine(EspeakConfig())\n"
        "assert not {'boto3', 'botocore', 'httpx', 'soundfile'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[4])


def test_secrets_are_not_shown():
    polly = dataclasses.replace(
        POLLY, access_key_id="S3CRET", secret_access_key="S3CRET", session_token="S3CRET"
    )
    openai = dataclasses.replace(OPENAI, api_key="S3CRET", base_url="http://me:S3CRET@h.test")
    assert "S3CRET" not in repr((polly, openai))
