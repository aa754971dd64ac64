"""What the OpenAI engine is built from."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True)
class OpenAIConfig:
    """Any server that speaks ``POST {base_url}/audio/speech``.

    ``voices``: ids; if empty the server is asked, and if it keeps no list OpenAI's own are used.
    ``pcm_rate_hz`` is the rate of headerless PCM, which OpenAI defines as 24 kHz.
    """

    is_remote: ClassVar[bool] = True
    keeps_segments: ClassVar[bool] = True

    base_url: str = field(repr=False)  # may hold a password
    model: str
    api_key: str | None = field(default=None, repr=False)
    voices: tuple[str, ...] = ()
    instructions: str | None = None
    response_format: Literal["pcm", "wav", "flac", "mp3", "opus", "aac"] = "pcm"
    pcm_rate_hz: int = 24_000
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 180.0
