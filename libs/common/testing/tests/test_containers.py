import pytest

from libs.common.testing.containers import start_kafka, start_postgres
from libs.common.testing.processes import ServerMissing


@pytest.mark.parametrize("start", [start_kafka, start_postgres])
def test_without_an_engine_there_is_no_container(monkeypatch: pytest.MonkeyPatch, start) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(ServerMissing, match="no Docker engine answers"):
        start()
