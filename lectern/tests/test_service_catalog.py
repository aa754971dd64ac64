from lectern.service_catalog import SERVICES, consumers
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.documents import DocumentSubmitted


def test_the_ports_follow_the_order_of_the_services():
    ports = {spec.name: spec.settings.model_fields["http_port"].default for spec in SERVICES}
    assert ports == {
        "gateway": 8000,
        "ingest": 8001,
        "segmenter": 8002,
        "synth": 8003,
        "notifier": 8004,
    }


def test_every_service_brings_its_migrations():
    for spec in SERVICES:
        assert (spec.migrations / "env.py").is_file(), spec.name


def test_who_consumes_what():
    found = consumers()
    assert DocumentSubmitted in found["ingest"]
    assert {name for name, consumed in found.items() if AudioReady in consumed} == {
        "gateway",
        "notifier",
    }
