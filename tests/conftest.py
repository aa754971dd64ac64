"""One deployment for all journeys and faults: starting it takes longer than most of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from libs.common.testing.fixtures import server
from libs.common.testing.proxies.wire import Wire
from libs.common.testing.servers import NativeKafka, NativePostgres
from libs.common.testing.shared_servers import Servers
from libs.common.testing.starters import S3Server

if TYPE_CHECKING:
    from tests.journeys.deployment import Deployment

HYPHEN_FIRST = "-4Yt8mWkSxq0uJ2v7Zr3Bg"
"""One in 64 cluster IDs that are made by chance begins so, and looks like an option."""


@pytest.fixture(scope="session")
def own_kafka(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativeKafka]:
    """A Kafka of the deployment's own, behind a wire.

    Topics have fixed names, and tests stop, freeze and start it.
    """

    def native(stack: ExitStack) -> tuple[NativeKafka, str]:
        directory = tmp_path_factory.mktemp("own-kafka")
        wire = Wire("127.0.0.1", 0)
        stack.callback(wire.close)
        wire.mend()
        server = NativeKafka(directory, cluster_id=HYPHEN_FIRST, wire=wire)
        stack.callback(server.stop)
        address = server.start()
        return server, f"Apache Kafka {server.version} native at {address}"

    servers = Servers({"own kafka": [native]})
    yield server("own kafka", servers, pytestconfig)
    servers.close()


@pytest.fixture(scope="session")
def own_postgres(pytestconfig: pytest.Config) -> Iterator[NativePostgres]:
    """A PostgreSQL of the deployment's own, which tests freeze."""

    def native(stack: ExitStack) -> tuple[NativePostgres, str]:
        server = NativePostgres()
        stack.callback(server.stop)
        server.start()
        return server, f"PostgreSQL {server.version} native at {server.address}"

    servers = Servers({"own postgresql": [native]})
    yield server("own postgresql", servers, pytestconfig)
    servers.close()


@pytest.fixture(scope="session")
def one_deployment(
    own_kafka: NativeKafka,
    own_postgres: NativePostgres,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator["Deployment"]:
    """The five services as processes; their logs are in ``deployment.logs``."""
    from tests.journeys.deployment import deployed

    logs = tmp_path_factory.mktemp("deployment")
    with deployed(own_kafka, own_postgres, s3_server, logs) as running:
        yield running


@pytest.fixture
def deployment(one_deployment: "Deployment") -> Iterator["Deployment"]:
    """The deployment with its five services ready, whatever a test before this one did to it."""
    one_deployment.drop_ended()
    one_deployment.start_missing()
    yield one_deployment
    one_deployment.wire.mend()
    one_deployment.kafka_wire.mend()
    asked = [name for name in one_deployment.asked if name in one_deployment.processes]
    for name in [*asked, *(process for process in one_deployment.processes if "-" in process)]:
        one_deployment.stop(name)
    ended = one_deployment.drop_ended()
    assert not ended, f"services ended by themselves: {ended}; logs are in {one_deployment.logs}"
