import os

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from lectern.generate.env_example import env_example
from libs.common.settings import CommonSettings, InvalidSettings, Port, ServiceSettings, load


class Settings(ServiceSettings):
    """What synth alone decides."""

    model_config = SettingsConfigDict(env_prefix="SYNTH_", frozen=True)

    http_port: Port = 8003
    key: SecretStr = Field(default=SecretStr("oops"), description="A secret.")
    loud: bool = Field(default=False, description="Loud or not.")
    cache_max_bytes: int = Field(default=1_000, description="Largest cache.")


def variables(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_variable_is_there_with_default_unit_and_choices():
    text = env_example(CommonSettings, Settings)
    found = variables(text)
    assert len(found) == len(CommonSettings.model_fields) + len(Settings.model_fields)
    assert found["SYNTH_HTTP_PORT"] == "8003"
    assert found["SYNTH_CACHE_MAX_BYTES"] == "1000"
    assert found["SYNTH_LOUD"] == "false"
    assert "# Largest cache. [bytes]\n" in text
    assert "[one of DEBUG, INFO, WARNING, ERROR]" in text
    assert "one of gzip, snappy, lz4, zstd" in text
    assert "[required, e.g. kafka:9092]\nLECTERN_KAFKA_BOOTSTRAP_SERVERS=\n" in text
    assert "# ---- SYNTH_* What synth alone decides." in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_secrets_are_blank_even_with_a_default():
    assert variables(env_example(Settings))["SYNTH_KEY"] == ""
    assert "oops" not in env_example(Settings)


def test_the_file_says_what_the_classes_say(monkeypatch):
    for name in [
        variable for variable in os.environ if variable.startswith(("LECTERN_", "SYNTH_"))
    ]:
        monkeypatch.delenv(name)
    for name, value in variables(env_example(CommonSettings, Settings)).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings):
        load(Settings)
    synth = load(Settings, database_url="sqlite+aiosqlite:///x")
    assert (synth.http_port, synth.workers, synth.cache_max_bytes) == (8003, 0, 1_000)
    common = load(CommonSettings, kafka_bootstrap_servers="k:1", storage_url="file:///o")
    for name, field in CommonSettings.model_fields.items():
        if not field.is_required():
            assert getattr(common, name) == field.default


def test_what_is_not_explained_is_refused():
    class Silent(BaseSettings):
        knob: int = 1

    with pytest.raises(ValueError, match=r"Silent\.knob has no description"):
        env_example(Silent)
