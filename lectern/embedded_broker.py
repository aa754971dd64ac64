"""A Kafka broker inside this process, for standalone: librdkafka's mock cluster.

The C library comes with the ``confluent-kafka`` wheel. Its mock cluster listens on a free loopback
port and speaks the Kafka protocol, so clients cannot tell it apart until they reach its limits:

* memory only, and about 5 MiB per partition: older messages are dropped
* one member per consumer group; a second one fails, and a successor of one that left waits for
  its ``session_timeout_ms`` less a second (measured: 9 s with aiokafka's default of 10 s)
* no admin API, so topics are declared here; an undeclared topic appears with four partitions
* no tombstones, retention or compaction

Nothing may rest on it: the events tables are the truth. The functions called here are declared in
librdkafka's ``rdkafka.h`` and ``rdkafka_mock.h``.
"""

import contextlib
import ctypes
import socket
import threading
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from libs.common.errors import Permanent

PRODUCER = 0  # rd_kafka_type_t; the mock cluster needs any client to live in
CONF_OK = 0  # rd_kafka_conf_res_t
REPLICATION_FACTOR = 1
ERROR_BYTES = 512
PROD_AFTER_S = 0.002

# Where the wheels keep the library: auditwheel's folder on Linux, delocate's on macOS.
BUNDLED = (
    "../confluent_kafka.libs/librdkafka*.so*",
    ".dylibs/librdkafka*.dylib",
    "../confluent_kafka.dylibs/librdkafka*.dylib",
)
# A build against a librdkafka of the system has none bundled, but its extension module is linked
# to one, and looking a symbol up in a library also searches what that library is linked to.
LINKED = ("cimpl*.so",)


class EmbeddedBrokerError(Permanent):
    """The embedded broker cannot be started."""

    code = "embedded_broker"


class EmbeddedBroker:
    """A single broker with the given topics, as name to number of partitions.

    Start it before anything forks, and start worker processes by ``spawn``: the cluster runs on
    threads of the C library, which a forked child does not have.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self.topics = dict(topics)
        self._bootstrap: str | None = None
        self._library: ctypes.CDLL | None = None
        self._client: int | None = None
        self._cluster: int | None = None

    @property
    def bootstrap(self) -> str:
        """Address for ``bootstrap_servers``, as ``host:port``; known while it runs."""
        if self._bootstrap is None:
            raise EmbeddedBrokerError("the embedded broker is not running")
        return self._bootstrap

    def start(self) -> str:
        """Start the broker with its topics and return its address.

        Raises:
            EmbeddedBrokerError: the wheel is missing, or the library refused.
        """
        if self._bootstrap is not None:
            return self._bootstrap
        self._library = load_library()
        try:
            self._client = _quiet_client(self._library)
            self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
            if not self._cluster:
                raise EmbeddedBrokerError("librdkafka did not start its mock cluster")
            found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
            self._bootstrap = found.decode()
            with _kept_awake(self._bootstrap):
                # Not waiting for further members of a group: there can be only one.
                self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
                for name, partitions in self.topics.items():
                    self._create_topic(self._library, name, partitions)
        except BaseException:
            self.stop()
            raise
        return self._bootstrap

    def create_topic(self, name: str, partitions: int) -> None:
        """Add a topic to the running broker.

        Raises:
            EmbeddedBrokerError: it is not running, or has a topic of this name.
        """
        if self._library is None:
            raise EmbeddedBrokerError("the embedded broker is not running")
        with _kept_awake(self.bootstrap):
            self._create_topic(self._library, name, partitions)

    def _create_topic(self, library: ctypes.CDLL, name: str, partitions: int) -> None:
        if partitions < 1:  # the library would take it, and clients wait for ever
            raise EmbeddedBrokerError(f"topic {name!r} needs at least one partition")
        refused = library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), partitions, REPLICATION_FACTOR
        )
        if refused:
            reason: bytes = library.rd_kafka_err2str(refused)
            raise EmbeddedBrokerError(f"topic {name!r}: {reason.decode()}")

    def stop(self) -> None:
        """Stop the broker; every message is gone. Stopping twice is fine."""
        library, client, cluster = self._library, self._client, self._cluster
        self._bootstrap = self._library = self._client = self._cluster = None
        if library is not None and cluster:
            library.rd_kafka_mock_cluster_destroy(cluster)
        if library is not None and client:
            library.rd_kafka_destroy(client)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


@contextlib.contextmanager
def _kept_awake(address: str) -> Iterator[None]:
    """Connect to the broker again and again, so that its thread does not sleep on an operation.

    The thread serves operations and empties its wake-up pipe afterwards; one that arrives in
    between waits until the poll times out, a second later (measured: 5 to 7 of 45 topics). Any
    traffic ends the poll early.
    """
    host, _, port = address.rpartition(":")
    done = threading.Event()

    def prod() -> None:
        while not done.wait(PROD_AFTER_S):
            with contextlib.suppress(OSError):
                socket.create_connection((host, int(port)), timeout=1.0).close()

    thread = threading.Thread(target=prod, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def load_library() -> ctypes.CDLL:
    """Load librdkafka out of the installed wheel, with the signatures used here.

    Raises:
        EmbeddedBrokerError: the wheel is not installed, or has no library that fits.
    """
    path = find_library()
    try:
        library = ctypes.CDLL(str(path))
        _declare(library)
    except (OSError, AttributeError) as error:
        raise EmbeddedBrokerError(f"{path.name} has no usable mock cluster: {error}") from error
    return library


def find_library() -> Path:
    """Where the wheel keeps librdkafka.

    Raises:
        EmbeddedBrokerError: ``confluent-kafka`` is not installed, or was built in an unknown way.
    """
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise EmbeddedBrokerError(
            "the embedded broker needs confluent-kafka: install lectern[standalone]"
        )
    package = Path(spec.origin).parent
    for pattern in BUNDLED + LINKED:
        folder, _, name = pattern.rpartition("/")
        for found in sorted((package / folder).resolve().glob(name)):
            return found
    raise EmbeddedBrokerError(
        "the installed confluent-kafka brings no librdkafka: install lectern[standalone]"
    )


def _declare(library: ctypes.CDLL) -> None:
    """Tell ctypes that handles are pointers; its default of int would cut them to 32 bits."""
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    size = ctypes.c_size_t
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, size]),
        "rd_kafka_conf_destroy": (None, [pointer]),
        "rd_kafka_new": (pointer, [number, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def _quiet_client(library: ctypes.CDLL) -> int:
    """A client handle that logs only emergencies; librdkafka would write to stderr."""
    error = ctypes.create_string_buffer(ERROR_BYTES)
    settings = library.rd_kafka_conf_new()
    if library.rd_kafka_conf_set(settings, b"log_level", b"0", error, ERROR_BYTES) != CONF_OK:
        library.rd_kafka_conf_destroy(settings)
        raise EmbeddedBrokerError(error.value.decode())
    client: int | None = library.rd_kafka_new(PRODUCER, settings, error, ERROR_BYTES)
    if not client:  # on success the client owns the settings
        library.rd_kafka_conf_destroy(settings)
        raise EmbeddedBrokerError(error.value.decode())
    return client
