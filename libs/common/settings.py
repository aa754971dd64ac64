"""Every knob that all services share, and how settings are read, explained and written down.

A service declares its own knobs beside these::

    class Settings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="INGEST_", frozen=True)

        http_port: Port = 8001

Settings are read once, in ``app.py``, through :func:`load`. A variable that is empty counts as not
set. Units are in the names.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.common.database_settings import DatabaseAddress, DatabaseTimeouts
from libs.common.expected_values import expected
from libs.common.kafka_settings import KafkaSettings, hours_by_topic
from libs.common.mail_links import MailLinks

S = TypeVar("S", bound=BaseSettings)

Port = Annotated[
    int, Field(ge=0, le=65535, description="Port of this service's HTTP pages; 0 takes a free one.")
]
Workers = Annotated[
    int, Field(ge=0, le=1024, description="Jobs that run at once; 0 means one for each core.")
]

SHORTEST_SECRET = 4


class InvalidSettings(Exception):
    """The environment does not hold what a service needs; the message says what to change."""


class CommonSettings(KafkaSettings, DatabaseTimeouts):
    """What all services share."""

    model_config = SettingsConfigDict(env_prefix="LECTERN_", frozen=True, env_ignore_empty=True)

    environment: str = Field(
        default="development",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Name of this installation, as traces show it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least serious lines that are logged."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="console is for reading at a terminal; elsewhere it is JSON."
    )

    topic_partitions: int | None = Field(
        default=None,
        ge=1,
        description="Partitions of topics keyed by document; empty: what each event declares.",
    )
    topic_retention_hours: str = Field(
        default="",
        description="How long topics keep records, as topic=hours or topic=forever, separated by "
        "commas; *.dlq names all dead letters. What is not named: audio.progressed a day, dead "
        "letters 30, the others for ever.",
    )
    topic_replication_factor: int = Field(
        default=1, ge=1, description="Copies that Kafka keeps of a topic; 3 in production."
    )
    fetch_max_wait_ms: int = Field(
        default=100, ge=1, description="How long Kafka may hold back a fetch that finds nothing."
    )
    max_poll_interval_ms: int = Field(
        default=300_000,
        ge=1_000,
        description="A handler that takes longer loses its partitions to another member.",
    )
    session_timeout_ms: int = Field(
        default=10_000, ge=1_000, description="A killed consumer keeps its partitions for so long."
    )

    storage_url: str = Field(
        description="Where objects are: file:///absolute/path or s3://bucket?endpoint=&region=.",
        examples=["file:///var/lib/lectern/objects"],
    )
    s3_access_key_id: SecretStr | None = Field(
        default=None, description="S3 credentials; else boto3 looks in its usual places."
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None, description="The other half of the S3 credentials."
    )

    mail_link_key: SecretStr | None = Field(
        default=None,
        description="What makes the secrets of links in mails, for gateway and notifier: 32 random "
        "characters or more. While it is replaced, the old one follows the new one after a comma. "
        "Empty: there are no such links, and nobody can register.",
    )

    handler_max_attempts: int = Field(
        default=5, ge=1, description="Tries of a handler whose errors may pass, before giving up."
    )
    handler_max_retry_seconds: float = Field(
        default=60, gt=0, description="Longest that a failing handler holds up its partition."
    )
    max_consecutive_bugs: int = Field(
        default=10, ge=1, description="More bugs in a row on one topic stop the service."
    )
    relay_batch_size: int = Field(
        default=500, ge=1, le=10_000, description="Events that the relay sends at a time."
    )
    relay_poll_interval_ms: int = Field(
        default=200, ge=1, description="How often the relay looks for events unasked."
    )
    relay_lease_seconds: int = Field(
        default=10, ge=1, description="Another relay follows one that was silent for so long."
    )
    job_lease_seconds: int = Field(
        default=30, ge=3, description="A job whose worker was silent for so long is taken over."
    )
    job_poll_interval_ms: int = Field(
        default=200, ge=1, description="How often an idle worker looks for jobs unasked."
    )
    erasure_sweep_seconds: float = Field(
        default=600,
        gt=0,
        description="So long after a deletion it is looked once more for objects to remove.",
    )
    drain_timeout_seconds: float = Field(
        default=25, gt=0, description="Time to finish work under way after SIGTERM."
    )

    bind_host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 inside a container."
    )
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port of /metrics, which then is nowhere else; empty: that of the other pages.",
    )
    http_max_connections: int = Field(
        default=2000,
        ge=10,
        description="Connections of one process; more drop those that have no request under way.",
    )
    http_head_timeout_seconds: float = Field(
        default=10, gt=0, description="Longest that a request line and its headers may take."
    )
    health_check_timeout_seconds: float = Field(
        default=2, gt=0, description="Longest that one readiness check may take."
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="OTLP/HTTP collector for traces, http://host:4318; empty: traces go nowhere.",
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of new traces that are recorded."
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("topic_retention_hours")
    @classmethod
    def _by_topic(cls, value: str) -> str:
        hours_by_topic(value)
        return value

    @field_validator("mail_link_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            MailLinks.read(value.get_secret_value())
        return value

    @field_validator("storage_url")
    @classmethod
    def _names_a_storage(cls, value: str) -> str:
        if not value.startswith(("file:///", "s3://")) or "@" in urlsplit(value).netloc:
            raise ValueError(
                "write file:///absolute/path or s3://bucket?endpoint=...&region=..., "
                "without credentials"
            )
        return value

    @property
    def mail_links(self) -> MailLinks | None:
        """What makes and checks links in mails; None if there is no key."""
        key = self.mail_link_key
        return None if key is None else MailLinks.read(key.get_secret_value())

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if bool(self.s3_access_key_id) != bool(self.s3_secret_access_key):
            raise ValueError(
                "LECTERN_S3_ACCESS_KEY_ID and LECTERN_S3_SECRET_ACCESS_KEY go together: "
                "set both or neither"
            )
        return self


class ServiceSettings(DatabaseAddress):
    """What every service has of its own; the subclass sets the prefix and the default port."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    http_port: Port
    workers: Workers = 0


def load(settings: type[S], **overrides: Any) -> S:
    """Read settings from the environment; ``overrides`` by field name win over it.

    Raises:
        InvalidSettings: Names every variable that is missing or wrong. It shows no value.
    """
    try:
        return settings(**overrides)
    except ValidationError as error:
        lines = [
            f"  {_complaint(settings, complaint)}"
            for complaint in error.errors(include_input=False)
        ]
        summary = "These environment variables must be set or changed:"
        raise InvalidSettings("\n".join([summary, *lines])) from None


def complaints(*settings: type[BaseSettings]) -> str:
    """Return all that is missing or wrong in the environment for ``settings``; empty if nothing."""
    found = []
    for section in settings:
        try:
            load(section)
        except InvalidSettings as error:
            found.append(str(error))
    return "\n".join(found)


def variable(settings: type[BaseSettings], field: str) -> str:
    """Return the name of the environment variable of a field."""
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def secret_values(*settings: BaseSettings) -> set[str]:
    """Return what must never be shown: secrets, and passwords inside URLs."""
    return {
        secret
        for group in settings
        for value in dict(group).values()
        for secret in _secrets_in(value)
        if len(secret) >= SHORTEST_SECRET
    }


def _complaint(settings: type[BaseSettings], error: Any) -> str:
    message = re.sub(r"^Value error, ", "", error["msg"])
    if not error["loc"]:
        return message
    field = str(error["loc"][0])
    declared = settings.model_fields.get(field)
    what_for = (declared.description if declared else None) or ""
    if error["type"] == "missing":
        examples = (declared.examples if declared else None) or ()
        such_as = f" For example: {examples[0]}" if examples else ""
        return f"{variable(settings, field)} is missing. {what_for}{such_as}".rstrip()
    message = expected(settings, error) or message
    return f"{variable(settings, field)}: {message}. {what_for}".rstrip()


def _secrets_in(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
        yield value
    if isinstance(value, tuple):
        for part in value:
            yield from _secrets_in(part)
    if isinstance(value, str) and "://" in value:
        try:
            password = urlsplit(value).password
        except ValueError:  # no URL after all
            return
        if password:
            yield password
            yield unquote(password)
