from lectern.house import ROOMS, consumers
from libs.common.events import AudioReady, DocumentSubmitted


def test_the_ports_follow_the_order_of_the_rooms():
    ports = {room.name: room.settings.model_fields["http_port"].default for room in ROOMS}
    assert ports == {
        "gateway": 8000,
        "ingest": 8001,
        "segmenter": 8002,
        "synth": 8003,
        "notifier": 8004,
    }


def test_every_room_brings_its_migrations():
    for room in ROOMS:
        assert (room.migrations / "env.py").is_file(), room.name


def test_who_consumes_what():
    found = consumers()
    assert DocumentSubmitted in found["ingest"]
    assert {name for name, consumed in found.items() if AudioReady in consumed} == {
        "gateway",
        "notifier",
    }
