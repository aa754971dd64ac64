"""The same servers in containers, for machines with a Docker engine.

Generic containers are enough, and name exactly what runs. The images are those of
``docker-compose.yml``; a test holds the two together.
"""

import gc
import warnings
from importlib.util import find_spec
from typing import Any

from libs.common.testing.processes import ServerMissing, free_ports

KAFKA_IMAGE = "apache/kafka:4.1.1"
POSTGRES_IMAGE = "postgres:17.7"
POSTGRES_PORT = 5432
PASSWORD = "lectern"  # of a throw-away server
START_TIMEOUT_S = 120

# Of everything that Docker raises, as ImageNotFound or a refused connection, the meaning here is
# the same: no container can be had.
CANNOT = "no container: "


class Container:
    """A started container and the address of what runs in it."""

    def __init__(self, container: Any, address: str, image: str) -> None:
        self._container = container
        self.address = address
        self.image = image

    def stop(self) -> None:
        """Stop and remove it."""
        self._container.stop()


def check_engine() -> None:
    """Make sure that a Docker engine answers.

    Raises:
        ServerMissing: None does, or its client library is not installed.
    """
    if find_spec("testcontainers") is None:
        raise ServerMissing(f"{CANNOT}testcontainers is not installed")
    if not _engine_answers():
        raise ServerMissing(f"{CANNOT}no Docker engine answers")


def start_kafka() -> Container:
    """Start Kafka; it must know its outside address before it starts, so its port is chosen here.

    Raises:
        ServerMissing: There is no engine or no image, or it did not start.
    """
    check_engine()
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    (port,) = free_ports(1)
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    container.with_envs(**_kafka_environment(port))
    container.waiting_for(
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START_TIMEOUT_S)
    )
    _start(container)
    return Container(container, f"{container.get_container_host_ip()}:{port}", KAFKA_IMAGE)


def start_postgres() -> Container:
    """Start PostgreSQL; its address is a URL for SQLAlchemy's asyncpg dialect.

    Raises:
        ServerMissing: There is no engine or no image, or it did not start.
    """
    check_engine()
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    container = DockerContainer(POSTGRES_IMAGE).with_exposed_ports(POSTGRES_PORT)
    container.with_envs(POSTGRES_USER="lectern", POSTGRES_PASSWORD=PASSWORD)
    # Over TCP: while the image initializes, its temporary server listens on a socket only.
    container.waiting_for(
        ExecWaitStrategy(["pg_isready", "-q", "-h", "127.0.0.1"]).with_startup_timeout(
            START_TIMEOUT_S
        )
    )
    _start(container)
    host, port = container.get_container_host_ip(), container.get_exposed_port(POSTGRES_PORT)
    url = f"postgresql+asyncpg://lectern:{PASSWORD}@{host}:{port}/postgres"
    return Container(container, url, POSTGRES_IMAGE)


def _engine_answers() -> bool:
    from testcontainers.core.docker_client import DockerClient

    # Docker's client leaves the socket open that it could not connect, in a cycle of references,
    # and pytest would blame whichever test runs when it is collected.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            engine = DockerClient().client
            engine.ping()
            engine.close()
        except Exception:
            return False
        finally:
            gc.collect()
    return True


def _kafka_environment(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }


def _start(container: Any) -> None:
    try:
        container.start()
    except Exception as error:
        container.stop()
        raise ServerMissing(f"{CANNOT}{container.image}: {type(error).__name__}") from error
