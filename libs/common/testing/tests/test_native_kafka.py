import shutil
import socket
import threading
from pathlib import Path

import pytest

from libs.common.testing import native_kafka
from libs.common.testing.native_kafka import answers, check_java, fetch_jars, version_of
from libs.common.testing.processes import ServerMissing, free_ports


def test_without_java_or_maven_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ServerMissing, match="install a JRE 17"):
        check_java()
    with pytest.raises(ServerMissing, match="install Maven"):
        fetch_jars(tmp_path)


def test_an_old_java_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(native_kafka, "run", lambda command: 'openjdk version "11.0.2"')
    with pytest.raises(ServerMissing, match="older than 17"):
        check_java()


def test_reads_the_version_from_the_server_jar(tmp_path: Path) -> None:
    for jar in ("kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar", "scala-library-2.13.16.jar"):
        (tmp_path / jar).touch()
    assert version_of(tmp_path) == "4.1.1"


def test_a_closed_port_and_another_protocol_are_no_broker() -> None:
    assert not answers(free_ports(1)[0])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert not answers(server.getsockname()[1])
        thread.join()
