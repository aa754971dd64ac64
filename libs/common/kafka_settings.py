"""How Kafka is reached: a part of the settings that all services share."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings


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
        return self
