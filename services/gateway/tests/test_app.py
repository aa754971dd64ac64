import pytest

from libs.common.settings import CommonSettings
from services.gateway.app import assemble, build
from services.gateway.settings import Settings


def test_nothing_is_connected_by_assembling(tmp_path):
    common = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092", storage_url=f"file://{tmp_path}/objects"
    )
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db", max_pages_in_flight_per_owner=3
    )
    assembly = assemble(common, settings)
    assert assembly.kernel.limits.max_pages_in_flight_per_owner == 3
    assert assembly.kernel.changes in assembly.parts.resources
    assert assembly.parts.keep_events
    assert list(tmp_path.iterdir()) == []
    assert build(common, settings).name == "gateway"


@pytest.mark.parametrize(
    ("role", "serves", "works"),
    [("all", True, True), ("http", True, False), ("work", False, True)],
)
def test_a_process_answers_or_works_or_both(tmp_path, role, serves, works):
    common = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092", storage_url=f"file://{tmp_path}/objects"
    )
    database_url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    parts = build(common, Settings(database_url=database_url, role=role))
    assert (bool(parts.http_routes), parts.works) == (serves, works)
