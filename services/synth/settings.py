"""Every knob of synth, read from SYNTH_* variables."""

from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.settings import Port, ServiceSettings, Workers
from services.synth.engines.build import EngineName
from services.synth.engines.polly.config import PollyVariant


class Settings(ServiceSettings):
    """Read once, in app.py."""

    model_config = SettingsConfigDict(env_prefix="SYNTH_", frozen=True, env_ignore_empty=True)

    http_port: Port = 8003
    workers: Workers = 0
    engines: Annotated[tuple[EngineName, ...], NoDecode] = Field(
        default="espeak",
        validate_default=True,
        min_length=1,
        description="Engines to offer, separated by commas, the default one first: espeak,polly.",
    )
    pages_at_once: int = Field(
        default=3,
        ge=1,
        description="Pages of one owner that one process speaks at the same time, beside one "
        "of somebody else.",
    )
    follow_language: bool = Field(
        default=True,
        description="Speak a paragraph in another language with a voice of that language.",
    )
    share_segments: bool = Field(
        default=False,
        description="Speak a sentence once for all owners: by the time that it takes they can tell "
        "whether somebody had it spoken. Else each has his own.",
    )
    keep_all_segments: bool = Field(
        default=False,
        description="Keep also what costs less to speak again than to keep in a bucket: espeak's.",
    )
    segment_cache_bytes: int = Field(
        default=20_000_000_000,
        ge=100_000_000,
        description="Spoken sentences that are kept, some 5 MB for a page of an engine in the "
        "network; those that were used least recently go first.",
    )
    network_workers: int = Field(
        default=8, ge=1, description="Calls to an engine in the network at the same time."
    )
    polly_region: str = Field(default="us-east-1", description="AWS region of Amazon Polly.")
    polly_engine: PollyVariant = Field(
        default="standard", description="Which of Polly's engines speaks."
    )
    polly_endpoint_url: str | None = Field(
        default=None, description="Another address for Polly, for tests and proxies."
    )
    polly_access_key_id: SecretStr | None = Field(
        default=None, description="Credentials for Polly; else boto3 looks in its usual places."
    )
    polly_secret_access_key: SecretStr | None = Field(
        default=None, description="The other half of the credentials for Polly."
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        description="A server that speaks POST {base_url}/audio/speech.",
    )
    openai_model: str = Field(default="gpt-4o-mini-tts", description="The model to ask for.")
    openai_api_key: SecretStr | None = Field(default=None, description="Bearer key, if needed.")
    openai_voice: str | None = Field(
        default=None, description="The default voice; it need not be in the server's list."
    )
    openai_voices: Annotated[tuple[str, ...], NoDecode] = Field(
        default="",
        validate_default=True,
        description="Voices, separated by commas; empty: the server is asked.",
    )

    @field_validator("engines", "openai_voices", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
