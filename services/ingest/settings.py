"""Every knob of ingest, read from INGEST_* variables."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from libs.common.settings import Port, ServiceSettings, Workers


class Settings(ServiceSettings):
    """Read once, in app.py."""

    model_config = SettingsConfigDict(env_prefix="INGEST_", frozen=True, env_ignore_empty=True)

    http_port: Port = 8001
    workers: Workers = Field(
        default=2,
        description="Documents of one owner that are read at once, beside one of somebody else; "
        "0 means one for each core.",
    )
    parse_memory_bytes: int = Field(
        default=1_073_741_824, gt=0, description="Address space of the process that parses a file."
    )
    parse_cpu_seconds: int = Field(
        default=120, gt=0, description="CPU time after which a file counts as hostile."
    )
    parse_wall_seconds: float = Field(
        default=300, gt=0, description="Time after which a file counts as hostile."
    )
    require_sandbox: bool = Field(
        default=False,
        description="Whether documents wait rather than be read or fetched where the kernel lacks "
        "a layer of the sandbox, as the health page then says.",
    )
    url_slots: int = Field(
        default=8,
        ge=1,
        le=1024,
        description="Web addresses that are fetched at once; most of them wait for an answer.",
    )
    url_timeout_seconds: float = Field(
        default=10, gt=0, description="Longest that a web address may take to answer."
    )
    url_max_bytes: int = Field(
        default=20_000_000, gt=0, description="Largest page that is fetched from the web."
    )
    url_ports: Annotated[tuple[Port, ...], NoDecode] = Field(
        default="80,443",
        validate_default=True,
        min_length=1,
        description="Ports of websites that are fetched, separated by commas: 80,443.",
    )
    url_allow_private: bool = Field(
        default=False,
        description="Whether addresses of private networks may be fetched, on any port.",
    )

    @field_validator("url_ports", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.split(",")) if isinstance(value, str) else value
