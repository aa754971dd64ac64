"""How Kafka is reached: a part of the settings that all services share."""

import ssl
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from libs.common.tls_files import TlsFiles, tls_context

FOREVER_IN_WORDS = "forever"


class KafkaSettings(BaseSettings):
    """Addresses, security and compression; a class that has a prefix inherits them."""

    kafka_bootstrap_servers: str = Field(
        min_length=1,
        description="Where Kafka is: host:port, several separated by commas.",
        examples=["kafka:9092"],
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How Kafka is spoken to."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How we log in to Kafka; used with SASL only."
    )
    kafka_sasl_username: str | None = Field(
        default=None, description="Name to log in to Kafka with; needed with SASL."
    )
    kafka_sasl_password: SecretStr | None = Field(
        default=None, description="Password to log in to Kafka with; needed with SASL."
    )
    kafka_ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) that Kafka's is checked against; else the system's.",
    )
    kafka_certificate_file: Path | None = Field(
        default=None,
        description="Our certificate (PEM), where Kafka asks for one; with its key beside it.",
    )
    kafka_key_file: Path | None = Field(
        default=None, description="Key (PEM, without a password) of our certificate for Kafka."
    )
    kafka_compression: Literal["gzip", "snappy", "lz4", "zstd"] | None = Field(
        default="lz4", description="Compression of what is sent; none turns it off."
    )

    @field_validator("kafka_compression", mode="before")
    @classmethod
    def _none_in_words(cls, value: Any) -> Any:
        return None if value == "none" else value

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if "SASL" in self.kafka_security_protocol and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError(
                "LECTERN_KAFKA_SASL_USERNAME and LECTERN_KAFKA_SASL_PASSWORD are needed "
                "when LECTERN_KAFKA_SECURITY_PROTOCOL has SASL"
            )
        if bool(self.kafka_certificate_file) != bool(self.kafka_key_file):
            raise ValueError(
                "LECTERN_KAFKA_CERTIFICATE_FILE and LECTERN_KAFKA_KEY_FILE go together: "
                "set both or neither"
            )
        if "SSL" in self.kafka_security_protocol:
            self.kafka_tls()
        return self

    def kafka_tls(self) -> ssl.SSLContext:
        """Return the context for connections to Kafka.

        Raises:
            ValueError: A file is missing or is not what it has to be; names it and its setting.
        """
        files = TlsFiles(
            ca=self.kafka_ca_file, certificate=self.kafka_certificate_file, key=self.kafka_key_file
        )
        return tls_context(files, "LECTERN_KAFKA")


def hours_by_topic(text: str) -> dict[str, int | None]:
    """Read ``topic=hours,topic=forever``; return hours by name, None for ever.

    Raises:
        ValueError: It is not of that form, or hours are no positive whole number.
    """
    found: dict[str, int | None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, hours = (word.strip() for word in part.partition("="))
        if not separator or not name:
            raise ValueError(f"{part!r} is not of the form topic=hours")
        if name in found:
            raise ValueError(f"{name!r} is named twice")
        found[name] = None if hours == FOREVER_IN_WORDS else _read_hours(name, hours)
    return found


def _read_hours(name: str, hours: str) -> int:
    if not (hours.isascii() and hours.isdecimal()) or int(hours) == 0:
        said = f"{name}={hours}: write hours as a whole number above 0, or {FOREVER_IN_WORDS}"
        raise ValueError(said)
    return int(hours)
