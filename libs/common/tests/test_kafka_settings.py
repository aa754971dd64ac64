import pytest
from pydantic import ValidationError

from libs.common.kafka_settings import KafkaSettings, hours_by_topic

SASL = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_username": "ada",
    "kafka_sasl_password": "s3cret",
}


def settings(**given) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers="kafka:9092", **given)


def test_a_certificate_goes_with_its_key(tmp_path):
    for one in ("kafka_certificate_file", "kafka_key_file"):
        with pytest.raises(ValidationError, match="go together"):
            settings(**{one: tmp_path / "a.pem"})
    both = settings(kafka_certificate_file=tmp_path / "a.crt", kafka_key_file=tmp_path / "a.key")
    assert both.kafka_key_file == tmp_path / "a.key"


def test_a_login_goes_with_its_password():
    with pytest.raises(ValidationError, match="are needed"):
        settings(kafka_security_protocol="SASL_SSL", kafka_sasl_username="ada")


def test_no_compression_is_said_in_words():
    assert settings(kafka_compression="none").kafka_compression is None


@pytest.mark.parametrize("name", ["kafka_ca_file", "kafka_certificate_file"])
def test_files_for_tls_are_looked_at_when_settings_are_read(tmp_path, name):
    given = {name: tmp_path / "a.pem"}
    if name == "kafka_certificate_file":
        given["kafka_key_file"] = tmp_path / "a.key"
    assert settings(**given)  # without TLS nobody reads them
    for protocol in ({"kafka_security_protocol": "SSL"}, SASL):
        with pytest.raises(ValidationError, match=f"LECTERN_{name.upper()}.*a.pem"):
            settings(**given, **protocol)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", {}),
        (" ,", {}),
        ("page.extracted=720, *.dlq = forever", {"page.extracted": 720, "*.dlq": None}),
    ],
)
def test_hours_are_read_by_topic(text, hours):
    assert hours_by_topic(text) == hours


@pytest.mark.parametrize("wrong", ["foo", "=7", "a=", "a=0", "a=1.5", "a=-1", "a=1,a=2"])
def test_hours_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"a|foo|=7"):
        hours_by_topic(wrong)
