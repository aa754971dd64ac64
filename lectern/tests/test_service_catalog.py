import pytest

from lectern.service_catalog import SERVICES, consumers
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted
from libs.common.processing.erasing import ERASE
from libs.common.settings import CommonSettings, load
from libs.common.testing.costs.loop_watchdog import not_counted


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


def test_every_service_learns_that_a_document_was_deleted():
    """Any of them may store why work on it was given up, and nobody else would remove that."""
    others = {name for name, consumed in consumers().items() if DocumentDeleted in consumed}
    assert others | {DocumentDeleted.producer} == {spec.name for spec in SERVICES}


async def test_whoever_learns_of_it_removes_what_is_stored(tmp_path):
    common = load(
        CommonSettings, kafka_bootstrap_servers="k:1", storage_url=(tmp_path / "o").as_uri()
    )
    for spec in SERVICES:
        if DocumentDeleted not in spec.consumes:
            continue
        database_url = f"sqlite+aiosqlite:///{tmp_path}/{spec.name}.db"
        with not_counted():
            parts = spec.build(common, load(spec.settings, database_url=database_url))
        assert ERASE in [route.kind for route in parts.work], spec.name
        await parts.database.close()


@pytest.mark.parametrize("workers", ["0", "1", "2"])
async def test_nobody_holds_all_slots_of_what_may_take_long(tmp_path, monkeypatch, workers):
    """Who has begun cannot be told how long it takes, nor made to give a slot back."""
    monkeypatch.setenv("INGEST_WORKERS", workers)
    common = load(
        CommonSettings, kafka_bootstrap_servers="k:1", storage_url=(tmp_path / "o").as_uri()
    )
    of_somebody = {"fetch", "parse", "speak", "bind"}
    for spec in SERVICES:
        database_url = f"sqlite+aiosqlite:///{tmp_path}/{spec.name}.db"
        with not_counted():
            parts = spec.build(common, load(spec.settings, database_url=database_url))
        for route in parts.work:
            if route.kind.name in of_somebody:
                of_somebody.remove(route.kind.name)
                assert route.slots_of_one < route.slots, route.kind.name
        await parts.database.close()
    assert not of_somebody
