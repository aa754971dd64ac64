import pytest
from pydantic import ValidationError

from libs.common.kafka_settings import KafkaSettings


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
