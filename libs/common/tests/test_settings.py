import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from libs.common.settings import (
    CommonSettings,
    InvalidSettings,
    Port,
    ServiceSettings,
    load,
    secret_values,
    variable,
)

REQUIRED = {
    "LECTERN_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "LECTERN_STORAGE_URL": "file:///objects",
    "INGEST_DATABASE_URL": "sqlite+aiosqlite:////tmp/ingest.db",
}


class Settings(ServiceSettings):
    """What ingest alone decides."""

    model_config = SettingsConfigDict(env_prefix="INGEST_", frozen=True)

    http_port: Port = 8001
    max_document_bytes: int = Field(default=100, gt=0, description="Largest document.")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_defaults_are_those_of_the_blueprint():
    common = load(CommonSettings)
    assert common.job_lease_seconds == 30
    assert common.drain_timeout_seconds == 25
    assert common.relay_batch_size == 500
    assert common.max_poll_interval_ms == 300_000
    assert common.fetch_max_wait_ms == 100


def test_a_service_reads_its_own_prefix(environment):
    environment.setenv("INGEST_WORKERS", "3")
    environment.setenv("SEGMENTER_WORKERS", "7")
    settings = load(Settings)
    assert (settings.http_port, settings.workers) == (8001, 3)


def test_overrides_win_over_the_environment(environment):
    environment.setenv("INGEST_HTTP_PORT", "9000")
    assert load(Settings, http_port=0).http_port == 0


def test_an_empty_variable_is_not_set(environment):
    environment.setenv("INGEST_HTTP_PORT", "")
    environment.setenv("LECTERN_OTLP_ENDPOINT", "")
    assert load(Settings).http_port == 8001
    assert load(CommonSettings).otlp_endpoint is None


def test_settings_cannot_be_changed():
    common = load(CommonSettings)
    with pytest.raises(ValidationError):
        common.log_level = "DEBUG"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        load(Settings).workers = 9  # type: ignore[misc]


def test_every_missing_variable_is_named_with_what_it_is_for(environment):
    for name in REQUIRED:
        environment.delenv(name)
    with pytest.raises(InvalidSettings) as error:
        load(CommonSettings)
    assert "LECTERN_KAFKA_BOOTSTRAP_SERVERS is missing. Where Kafka is" in str(error.value)
    assert "For example: kafka:9092" in str(error.value)
    assert "LECTERN_STORAGE_URL is missing" in str(error.value)
    with pytest.raises(InvalidSettings, match="INGEST_DATABASE_URL is missing"):
        load(Settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LECTERN_STORAGE_URL", "/objects/hunter2hunter2"),
        ("LECTERN_STORAGE_URL", "s3://key:hunter2hunter2@bucket"),
        ("LECTERN_RELAY_BATCH_SIZE", "hunter2hunter2"),
        ("LECTERN_LOG_LEVEL", "hunter2hunter2"),
        ("LECTERN_JOB_LEASE_SECONDS", "0"),
    ],
)
def test_a_wrong_value_is_explained_but_not_shown(environment, name, value):
    environment.setenv(name, value)
    with pytest.raises(InvalidSettings) as error:
        load(CommonSettings)
    assert f"{name}: " in str(error.value)
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


def test_sasl_needs_a_name_and_a_password(environment):
    environment.setenv("LECTERN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("LECTERN_KAFKA_SASL_USERNAME", "lectern")
    with pytest.raises(InvalidSettings, match="LECTERN_KAFKA_SASL_PASSWORD are needed"):
        load(CommonSettings)
    environment.setenv("LECTERN_KAFKA_SASL_PASSWORD", "hunter2")
    assert load(CommonSettings).kafka_sasl_mechanism == "SCRAM-SHA-512"


def test_half_of_the_s3_credentials_is_refused(environment):
    environment.setenv("LECTERN_S3_ACCESS_KEY_ID", "test")
    with pytest.raises(InvalidSettings, match="set both or neither"):
        load(CommonSettings)


def test_words_are_read_kindly(environment):
    environment.setenv("LECTERN_LOG_LEVEL", "debug")
    environment.setenv("LECTERN_KAFKA_COMPRESSION", "none")
    common = load(CommonSettings)
    assert (common.log_level, common.kafka_compression) == ("DEBUG", None)


def test_secrets_are_known_and_not_shown():
    common = load(
        CommonSettings,
        s3_access_key_id=SecretStr("AKIA-of-a-test"),
        s3_secret_access_key=SecretStr("s3cr3t-value"),
    )
    service = load(Settings, database_url="postgresql+asyncpg://lectern:p%40ssword@db/ingest")
    secrets = secret_values(common, service)
    assert secrets == {"AKIA-of-a-test", "s3cr3t-value", "p%40ssword", "p@ssword"}
    for shown in (repr(common), repr(service), str(common), str(service)):
        assert not any(secret in shown for secret in secrets)


def test_the_variable_of_a_field():
    assert variable(CommonSettings, "log_level") == "LECTERN_LOG_LEVEL"
    assert variable(Settings, "http_port") == "INGEST_HTTP_PORT"


def test_numbers_and_truths_are_told_with_what_they_have_to_be(monkeypatch):
    monkeypatch.setenv("LECTERN_RELAY_BATCH_SIZE", "many")
    with pytest.raises(InvalidSettings) as error:
        load(CommonSettings)
    said = "LECTERN_RELAY_BATCH_SIZE: it has to be a whole number from 1 to 10000. Events that the"
    assert said in str(error.value)
    assert "many" not in str(error.value)


def test_keys_of_links_in_mails_are_long_and_never_shown(environment):
    assert load(CommonSettings).mail_links is None
    environment.setenv("LECTERN_MAIL_LINK_KEY", "sesame-sesame")
    with pytest.raises(InvalidSettings, match=r"LECTERN_MAIL_LINK_KEY: .*32 characters") as refused:
        load(CommonSettings)
    assert "sesame" not in str(refused.value)
    environment.setenv("LECTERN_MAIL_LINK_KEY", "a" * 32 + "," + "b" * 32)
    common = load(CommonSettings)
    assert common.mail_links is not None
    assert len(common.mail_links.keys) == 2
    assert "aaaa" not in repr(common)
