"""Apache Kafka as one process of this machine: KRaft, from Maven artifacts, on Java 17.

``deploy/native/pom.xml`` names the version. Maven resolves the jars once, into
``.native/kafka/<digest of the pom>``; later starts need no network.
"""

import fcntl
import hashlib
import re
import shutil
import socket
import string
import struct
from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import uuid4

from libs.common.testing.processes import (
    Program,
    ServerFailed,
    ServerMissing,
    ServerProcess,
    free_ports,
    run,
)
from libs.common.testing.proxies.wire import Wire

ROOT = Path(__file__).resolve().parents[3]
RECIPE = ROOT / "deploy" / "native"
JARS = ROOT / ".native" / "kafka"

HEAP = "-Xmx512m"
OLDEST_JAVA = 17
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 2.0
API_VERSIONS = 18  # api key of the request that every broker answers to anybody


class NativeKafka:
    """One broker. ``directory`` takes its data and configuration and must be empty at the start.

    ``cluster_id`` is 16 bytes in URL-safe Base64 without padding; a random one is made if need be.
    With ``wire``, clients are told to come by way of it.
    """

    def __init__(
        self,
        directory: Path,
        log: Path | None = None,
        *,
        guarded: bool = True,
        cluster_id: str = "",
        wire: Wire | None = None,
    ) -> None:
        self.directory = directory
        self.log = log or directory / "kafka.log"
        self.version = ""
        self.wire = wire
        self._guarded = guarded
        self._cluster_id = cluster_id or urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        self._port = 0
        self._server: ServerProcess | None = None

    @property
    def bootstrap(self) -> str:
        """Address for ``bootstrap_servers``."""
        return f"127.0.0.1:{self.wire.port if self.wire else self._port}"

    @property
    def process(self) -> ServerProcess:
        """The running process."""
        if self._server is None:
            raise ServerFailed("Kafka is not running")
        return self._server

    def start(self) -> str:
        """Fetch the jars if need be, start, wait until it serves, and return its address.

        Started again after :meth:`stop` it has the same address and data.

        Raises:
            ServerMissing: Java 17 or Maven is not installed.
            ServerFailed: Maven, the formatting or the broker failed; the message has its output.
        """
        check_java()
        jars = fetch_jars()
        self.version = version_of(jars)
        settings = self.directory / "server.properties"
        new = self._port == 0
        if new:
            self._write_settings(settings)
        logging = f"-Dlog4j2.configurationFile={RECIPE / 'log4j2.properties'}"
        java = ["java", HEAP, logging, "-cp", f"{jars}/*"]
        if new:
            # Joined by "=": one identifier in 64 begins with a hyphen.
            cluster = f"--cluster-id={self._cluster_id}"
            run([*java, "kafka.tools.StorageTool", "format", cluster, "-c", str(settings)])
        self._server = ServerProcess(
            Program(name="Kafka", command=[*java, "kafka.Kafka", str(settings)], log=self.log),
            guarded=self._guarded,
        )
        self._server.wait_until(lambda: answers(self._port), START_TIMEOUT_S)
        return self.bootstrap

    def stop(self) -> None:
        """Stop it; its directory stays. Stopping twice is fine."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def kill(self) -> None:
        """End it at once; its directory stays."""
        self.process.kill()
        self._server = None

    def _write_settings(self, settings: Path) -> None:
        self._port, controller_port = free_ports(2)
        if self.wire is not None:
            self.wire.lead_to("127.0.0.1", self._port)
        template = string.Template((RECIPE / "server.properties").read_text())
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            template.substitute(
                port=self._port,
                advertised_port=self.wire.port if self.wire else self._port,
                controller_port=controller_port,
                directory=self.directory / "data",
            )
        )


def check_java() -> None:
    """Make sure that Java is there.

    Raises:
        ServerMissing: It is not, or is too old.
    """
    if shutil.which("java") is None:
        raise ServerMissing("no java on the PATH; install a JRE 17 or newer")
    found = re.search(r'version "(\d+)', run(["java", "-version"]))
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise ServerMissing("java is older than 17; install a JRE 17 or newer")


def fetch_jars(jars: Path = JARS) -> Path:
    """Return the folder with Kafka's jars, filled by Maven if this pom was not resolved before.

    Raises:
        ServerMissing: They are not here, and Maven is not installed.
        ServerFailed: Maven failed, as it does without network.
    """
    pom = RECIPE / "pom.xml"
    folder = jars / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    jars.mkdir(parents=True, exist_ok=True)
    with (jars / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        if shutil.which("mvn") is None:
            raise ServerMissing("no mvn on the PATH; install Maven to fetch Kafka's jars")
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        output = f"-DoutputDirectory={unfinished}"
        run(["mvn", "-B", "-q", "-ntp", "-f", str(pom), *goal, output])
        unfinished.rename(folder)
    return folder


def version_of(jars: Path) -> str:
    """Kafka's version, which the name of its server jar ends with."""
    (server,) = jars.glob("kafka_2*.jar")
    return server.stem.partition("-")[2]


def answers(port: int) -> bool:
    """Whether a broker answers ApiVersions (version 0) on a loopback port.

    A KRaft broker lets clients in only when it has caught up with the cluster's metadata, so an
    answer means that it serves. Wire format: the protocol guide of Apache Kafka.
    """
    correlation = 1
    body = struct.pack(">hhih", API_VERSIONS, 0, correlation, -1)  # -1: no client id
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            head = connection.makefile("rb").read(10)
    except OSError:
        return False
    answer_size = 10
    if len(head) < answer_size:
        return False
    _, echoed, error = struct.unpack(">iih", head)
    return bool(echoed == correlation and error == 0)
