from pathlib import Path

import pytest

from libs.common.testing.selection import is_slow, needs_server, runs_alone, runs_the_whole

ROOT = Path("/lectern")


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("tests/journeys/test_hearing.py", True),
        ("tests/of_tomorrow/test_new.py", True),
        ("tests/contracts/test_glossary.py", False),
        ("libs/common/tests/test_errors.py", False),
        ("lectern/tests/test_reading.py", False),
    ],
)
def test_what_runs_the_whole_is_told_by_its_folder(path: str, whole: bool) -> None:
    assert runs_the_whole(ROOT / path, ROOT) is whole


def test_a_test_that_asks_for_a_server_is_known(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config
) -> None:
    assert not needs_server(request.node)
    manager = request.session._fixturemanager
    for fixture in ("kafka_bootstrap", "postgres_database", "s3_bucket"):
        closure = manager.getfixtureclosure(request.node, (fixture,), frozenset())
        assert "servers" in closure[0], fixture


@pytest.mark.slow
def test_what_is_marked_or_runs_all_services_is_slow(request: pytest.FixtureRequest) -> None:
    item = request.node
    assert is_slow(item)
    item.own_markers.clear()
    assert not is_slow(item)
    item.path = item.config.rootpath / "lectern" / "tests" / "test_new.py"
    assert is_slow(item)


@pytest.mark.alone
def test_a_test_that_is_marked_runs_alone(request: pytest.FixtureRequest) -> None:
    assert runs_alone(request.node)
