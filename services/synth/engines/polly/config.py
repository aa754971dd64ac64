"""What the Polly engine is built from."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

PollyVariant = Literal["standard", "neural", "long-form", "generative"]
"""Amazon calls them the engines of Polly."""


@dataclass(frozen=True, kw_only=True)
class PollyConfig:
    """Amazon Polly. Without explicit keys the default credential chain of boto3 is used."""

    is_remote: ClassVar[bool] = True
    keeps_segments: ClassVar[bool] = True

    region: str
    engine: PollyVariant
    endpoint_url: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    word_marks: bool = True
    sample_rate_hz: int | None = None
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
