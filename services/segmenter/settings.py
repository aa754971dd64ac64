"""Every knob of the segmenter, read from SEGMENTER_* variables."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.common.settings import Port, ServiceSettings, Workers


class Settings(ServiceSettings):
    """Read once, in app.py."""

    model_config = SettingsConfigDict(env_prefix="SEGMENTER_", frozen=True, env_ignore_empty=True)

    http_port: Port = 8002
    workers: Workers = 1
    max_utterance_characters: int = Field(
        default=600,
        ge=100,
        le=2000,
        description="Longest utterance, in characters; below what any engine takes in one call.",
    )
