"""Every metric, declared once: name, kind, unit, meaning, labels.

A metric is an attribute of :class:`Metrics`, so a typo is a type error. Each service has a registry
of its own, because in standalone five share a process; it adds the label ``service`` to all of
them::

    metrics = Metrics("ingest")
    metrics.events_consumed_total.labels(topic="page.extracted", outcome="done").inc()
"""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Self, TypeVar, overload

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client import Metric as Family

M = TypeVar("M", bound=Counter | Gauge | Histogram)

QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
SLOW_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
ATTEMPTS = (1, 2, 3, 4, 5, 8, 13, 21)


class Declared(Generic[M]):
    """What is known of a metric before there is one; on an instance of Metrics it is the metric."""

    def __init__(
        self, kind: type[M], unit: str, meaning: str, *labels: str, **options: Any
    ) -> None:
        self.name = ""
        self.kind = kind
        self.unit = unit
        self.meaning = meaning
        self.labels = labels
        self._options = options

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, metrics: None, owner: type) -> Self: ...
    @overload
    def __get__(self, metrics: "Metrics", owner: type) -> M: ...
    def __get__(self, metrics: "Metrics | None", owner: type) -> Self | M:
        return self if metrics is None else metrics.made[self.name]

    def make(self, registry: CollectorRegistry) -> M:
        """Create the metric in ``registry``."""
        return self.kind(
            self.name, self.meaning, labelnames=self.labels, registry=registry, **self._options
        )


def _counter(unit: str, meaning: str, *labels: str) -> Declared[Counter]:
    return Declared(Counter, unit, meaning, *labels)


def _gauge(unit: str, meaning: str, *labels: str) -> Declared[Gauge]:
    return Declared(Gauge, unit, meaning, *labels)


def _histogram(
    unit: str, meaning: str, *labels: str, buckets: tuple[float, ...]
) -> Declared[Histogram]:
    return Declared(Histogram, unit, meaning, *labels, buckets=buckets)


class Metrics:
    """The metrics of one service in one process."""

    consumer_up = _gauge("1 or 0", "Whether the consumer reads its topics.")
    events_consumed_total = _counter(
        "events", "Events taken from Kafka, by what became of them.", "topic", "outcome"
    )
    event_handling_seconds = _histogram(
        "seconds", "From taking an event to having recorded its effects.", "topic", buckets=QUICK_S
    )
    event_lag_seconds = _histogram(
        "seconds", "From an event's happening to our taking it.", "topic", buckets=SLOW_S
    )
    events_appended_total = _counter("events", "Events appended to the event store.")
    outbox_unsent = _gauge("events", "Events appended and not yet sent to Kafka.")
    outbox_refused = _gauge("events", "Events that Kafka refused, and that are set aside.")
    inbox_packed_total = _counter("events", "Old events of which the inbox kept the id alone.")
    relay_sent_total = _counter("events", "Events that the relay sent to Kafka.")
    relay_batch_seconds = _histogram("seconds", "Time to send one batch.", buckets=QUICK_S)
    partitions_paused = _gauge(
        "partitions", "Partitions that wait at an event newer than the service.", "topic"
    )
    dead_letters_total = _counter("messages", "Records that were dead-lettered.", "topic")
    bugs_total = _counter("errors", "Errors that nobody expected, by topic or job kind.", "where")

    jobs_ready = _gauge("jobs", "Jobs that are due and wait for a worker.")
    jobs_oldest_seconds = _gauge(
        "seconds", "For how long the first job that waits for a worker has been due.", "kind"
    )
    jobs_running = _gauge("jobs", "Jobs that a worker holds.")
    job_seconds = _histogram(
        "seconds", "Time that one attempt at a job took.", "kind", "outcome", buckets=SLOW_S
    )
    job_attempts = _histogram(
        "attempts", "Attempts that a job had when it ended.", "kind", buckets=ATTEMPTS
    )

    budget_waits_total = _counter(
        "looks",
        "Looks that found pages of an owner waiting for another day; at most one in ten minutes.",
    )
    documents_submitted_total = _counter("documents", "Documents that were handed in.")
    segments_spoken_total = _counter("segments", "Segments that an engine spoke.", "engine")
    segments_cached_total = _counter("segments", "Segments that had been spoken before.")
    characters_spoken_total = _counter("characters", "Characters that engines spoke.")
    audio_seconds_total = _counter("seconds", "Length of the audio that was made.")

    sandbox_layers = _gauge(
        "1 or 0", "Whether a layer of the sandbox confines parser or fetcher.", "process", "layer"
    )
    sandbox_attacks_total = _counter(
        "documents", "Documents whose process was killed for what only an attack does.", "process"
    )

    notifications_total = _counter(
        "notifications", "Deliveries by channel and what became of them.", "channel", "outcome"
    )

    http_requests_total = _counter(
        "requests", "HTTP requests that were answered.", "route", "method", "status"
    )
    http_request_seconds = _histogram(
        "seconds",
        "From a request to the end of its answer.",
        "route",
        "method",
        "status",
        buckets=SLOW_S,
    )

    rate_limited_total = _counter(
        "requests", "Requests that were refused, for there had been too many of a kind.", "limit"
    )
    rate_limit_outages_total = _counter(
        "outages", "Times that Redis did not answer, and requests were counted without it."
    )

    def __init__(self, service: str) -> None:
        self.registry = ServiceRegistry(service)
        self.made: dict[str, Any] = {
            metric.name: metric.make(self.registry) for metric in every_metric()
        }
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)


class ServiceRegistry(CollectorRegistry):
    """Metrics that all carry the label ``service``."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = {"service": service}

    def collect(self) -> Iterator[Family]:
        """Yield what there is to report, labeled."""
        for found in super().collect():
            # A copy: some collectors hand out the same object every time.
            family = Family(found.name, found.documentation, found.type, found.unit)
            family.samples = [
                sample._replace(labels=self._service | sample.labels)
                for sample in found.samples
                if not sample.name.endswith("_created")  # a time that nobody asks for
            ]
            yield family


def every_metric() -> Iterable[Declared[Any]]:
    """All declarations, in their order."""
    return [declared for declared in vars(Metrics).values() if isinstance(declared, Declared)]


def render_docs() -> str:
    """Return the table of all metrics in Markdown, for the documentation."""
    rows = [
        f"| `{metric.name}` | {metric.kind.__name__.lower()} | {metric.unit} "
        f"| {', '.join(f'`{label}`' for label in metric.labels)} | {metric.meaning} |"
        for metric in every_metric()
    ]
    head = ["| metric | kind | unit | labels | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
