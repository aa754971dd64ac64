from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from libs.common.testing.processes import ServerFailed, ServerMissing
from libs.common.testing.shared_servers import Servers, ServersClient, ServersListener, first_of


class Kafka:
    """Counts what is done to it."""

    def __init__(self) -> None:
        self.started = 0
        self.stopped = 0

    def start(self, stack: ExitStack) -> tuple[str, str]:
        self.started += 1
        stack.callback(self.stop)
        return "kafka.test:9092", "Kafka at kafka.test:9092"

    def stop(self) -> None:
        self.stopped += 1


def missing(_stack: ExitStack) -> tuple[str, str]:
    raise ServerMissing("no java on the PATH")


def broken(_stack: ExitStack) -> tuple[str, str]:
    raise ServerFailed("mvn exited with 1")


def buggy(_stack: ExitStack) -> tuple[str, str]:
    raise KeyError("port")


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def servers(kafka: Kafka) -> Iterator[Servers]:
    made = Servers({"kafka": [missing, kafka.start], "none": [missing], "buggy": [buggy]})
    yield made
    made.close()


def test_the_first_server_that_can_be_had_is_taken(kafka: Kafka) -> None:
    with ExitStack() as stack:
        assert first_of(stack, [missing, broken, kafka.start, broken])[0] == "kafka.test:9092"
        assert kafka.stopped == 0
    assert kafka.stopped == 1


def test_where_none_can_be_had_the_last_reason_is_told() -> None:
    with ExitStack() as stack, pytest.raises(ServerMissing, match="mvn exited with 1"):
        first_of(stack, [missing, broken])


def test_a_server_starts_when_it_is_asked_for_and_only_once(kafka: Kafka, servers: Servers) -> None:
    assert kafka.started == 0
    assert servers.get("kafka") == servers.get("kafka")
    assert (kafka.started, kafka.stopped) == (1, 0)
    servers.close()
    assert kafka.stopped == 1


def test_workers_share_servers_and_learn_why_there_is_none(kafka: Kafka, servers: Servers) -> None:
    listener = ServersListener(servers)
    clients = [ServersClient(listener.ticket) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda client: client.get("kafka"), clients))
    assert answers == [("kafka.test:9092", "Kafka at kafka.test:9092")] * 4
    assert kafka.started == 1
    for _ in range(2):
        with pytest.raises(ServerMissing, match="no java on the PATH"):
            clients[0].get("none")
    with pytest.raises(ServerMissing, match="port"):
        clients[0].get("buggy")
    listener.close()
    assert kafka.stopped == 0
