import pytest
from pydantic import ValidationError

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


def test_counters_are_shared_where_there_is_a_place_for_them(tmp_path):
    common = CommonSettings(
        kafka_bootstrap_servers="nowhere:9092", storage_url=f"file://{tmp_path}/objects"
    )
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    alone = build(common, Settings(database_url=url))
    assert alone.checks == {}
    shared = build(common, Settings(database_url=url, rate_limit_store_url="redis://host:6379/0"))
    assert set(shared.checks) == {"cache"}


@pytest.mark.parametrize("limit", ["often", "0/hour", "ten/hour"])
def test_a_limit_that_is_none_is_a_wrong_setting(limit):
    with pytest.raises(ValidationError, match="10/hour"):
        Settings(database_url="sqlite+aiosqlite:///x", rate_limit_upload=limit)


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
