from pathlib import Path

import pytest

from lectern.ignored_settings import ignored, warnings
from lectern.service_catalog import SERVICES
from lectern.standalone import Options

OPTIONS = Options(data=Path("data"), port=8000)
ASKED_FOR = {
    "LECTERN_KAFKA_BOOTSTRAP_SERVERS",
    "LECTERN_KAFKA_CA_FILE",
    "LECTERN_TOPIC_PARTITIONS",
    "LECTERN_METRICS_PORT",
    "LECTERN_STORAGE_URL",
    "LECTERN_S3_ACCESS_KEY_ID",
    "LECTERN_BIND_HOST",
    "GATEWAY_ROLE",
    *(f"{spec.name.upper()}_DATABASE_URL" for spec in SERVICES),
    *(f"{spec.name.upper()}_DATABASE_POOLER" for spec in SERVICES),
    *(f"{spec.name.upper()}_HTTP_PORT" for spec in SERVICES),
}
USED = {
    "LECTERN_JOB_LEASE_SECONDS",
    "SYNTH_ENGINES",
    "SYNTH_WORKERS",
    "GATEWAY_MAX_CHARACTERS_PER_OWNER_AND_DAY",
    "NOTIFIER_WEBHOOKS",
}


@pytest.mark.parametrize("name", sorted(ASKED_FOR))
def test_what_standalone_does_not_use_is_told_once(name):
    (warning,) = warnings(OPTIONS, {name: "5", "HOME": "/"})
    assert warning.startswith(f"warning: {name} is not used by standalone")


@pytest.mark.parametrize("name", sorted(USED))
def test_what_it_uses_is_not_told(monkeypatch, name):
    monkeypatch.setenv(name, "5")
    assert warnings(OPTIONS, {name: "5"}) == []


def test_what_is_empty_counts_as_not_set():
    assert warnings(OPTIONS, {"LECTERN_METRICS_PORT": ""}) == []


def test_an_option_that_takes_the_place_is_named():
    for name, option in (
        ("LECTERN_BIND_HOST", "--host"),
        ("LECTERN_LOG_LEVEL", "--log-level"),
        ("GATEWAY_HTTP_PORT", "--port"),
        ("SYNTH_HTTP_PORT", "--port"),
        ("INGEST_DATABASE_URL", "--data"),
        ("LECTERN_STORAGE_URL", "--data"),
    ):
        (warning,) = warnings(OPTIONS, {name: "5"})
        assert option in warning


def test_all_that_is_ignored_is_a_setting():
    known = set(Path(__file__).parents[2].joinpath(".env.example").read_text().split())
    assert {f"{name}=" for name in ignored(OPTIONS)} <= {
        word.partition("=")[0] + "=" for word in known
    }
