"""Logs and traces of a service.

Logs are lines of JSON on standard output: ``structlog`` and ``logging`` go through one pipeline
whose last step takes the secrets out. Each line names its service and, inside a span, the trace.
Tracebacks show no messages (:mod:`.tracebacks`), unless the level is DEBUG.

A trace goes from upload to audio: events and jobs carry a W3C ``traceparent``, and
:func:`span_from` goes on where it came from. Spans leave the process only if a collector is
configured.
"""

import contextlib
import logging
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Link, Span, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic_settings import BaseSettings
from structlog.typing import EventDict, Processor, WrappedLogger

from libs.common.observability.redaction import redactor
from libs.common.observability.tracebacks import without_messages
from libs.common.settings import CommonSettings, secret_values

SPAN_EXPORT_TIMEOUT_MS = 5_000
# Libraries that tell what only their authors want to know, or, as aiosqlite and botocore at DEBUG,
# what documents say.
_TALKATIVE = (
    "aiokafka",
    "aiosqlite",
    "boto3",
    "botocore",
    "faststream",
    "httpx",
    "urllib3",
    "uvicorn.access",
)
_CHATTERING = "aiokafka"
CHATTER_EVERY_S = 10.0

_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Telemetry:
    """What one service logs and traces with; in standalone there are five in a process."""

    service: str
    provider: TracerProvider
    tracer: Tracer

    def bind(self) -> None:
        """Make this the telemetry of the current task and of what it starts."""
        _current.set(self)

    def close(self) -> None:
        """Send the spans that are left. Blocks for at most five seconds."""
        self.provider.force_flush(SPAN_EXPORT_TIMEOUT_MS)
        self.provider.shutdown()


_current: ContextVar[Telemetry | None] = ContextVar("telemetry", default=None)


def configure(
    service: str,
    settings: CommonSettings,
    *others: BaseSettings,
    span_processor: SpanProcessor | None = None,
) -> Telemetry:
    """Set up logs and traces for ``service`` and bind them to the current task.

    Logging belongs to the process, so the last call decides its level and format. The secrets of
    ``settings`` and of ``others`` are masked from now on. ``span_processor`` is for tests.
    """
    redactor.register(secret_values(settings, *others))
    _log_to_stdout(settings)
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": service, "deployment.environment.name": settings.environment}
        ),
        sampler=ParentBasedTraceIdRatio(settings.trace_sample_ratio),
        shutdown_on_exit=False,
    )
    if settings.otlp_endpoint:
        provider.add_span_processor(_exporting(settings.otlp_endpoint))
    if span_processor:
        provider.add_span_processor(span_processor)
    telemetry = Telemetry(service, provider, provider.get_tracer("lectern"))
    telemetry.bind()
    return telemetry


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the span we are in, to be stored with what comes of it."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextlib.contextmanager
def span_from(
    traceparent: str | None, name: str, **attributes: str | int | float | bool
) -> Iterator[Span]:
    """Run the block in a span below ``traceparent``, or below the current one if there is none.

    A traceparent that is none begins a new trace. An error is named in the span by its type; its
    text may hold what must not leave the process.
    """
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    with _span(name, attributes, parent) as span:
        yield span


@contextlib.contextmanager
def span_linked_to(
    traceparent: str | None, name: str, **attributes: str | int | float | bool
) -> Iterator[Span]:
    """Run the block in a span that begins a trace, and names that of a client, if it has one.

    A client that could go on with its trace could have us record all of it, whatever share is to
    be recorded.
    """
    theirs = _PROPAGATOR.extract({"traceparent": traceparent or ""}, Context())
    context = trace.get_current_span(theirs).get_span_context()
    links = [Link(context)] if context.is_valid else []
    with _span(name, attributes, Context(), links) as span:
        yield span


@contextlib.contextmanager
def _span(
    name: str,
    attributes: Mapping[str, str | int | float | bool],
    parent: Context | None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    telemetry = _current.get()
    tracer = telemetry.tracer if telemetry else trace.get_tracer("lectern")
    with tracer.start_as_current_span(
        name,
        context=parent,
        links=links,
        attributes={key: redactor.value(value) for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _exporting(endpoint: str) -> SpanProcessor:
    # Loads slowly, and standalone has no collector.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    url = endpoint.rstrip("/")
    url = url if url.endswith("/v1/traces") else f"{url}/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=SPAN_EXPORT_TIMEOUT_MS / 1000))


class _Seldom(logging.Filter):
    """Lets a line of the Kafka client through once in a while.

    In an outage it writes the same two lines at every attempt, a thousand times a second.
    """

    def __init__(self, every_s: float) -> None:
        super().__init__()
        self._every_s = every_s
        self._last: dict[tuple[str, str], float] = {}
        self._held_back: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether to write a line; it tells how many like it were not written."""
        if not record.name.startswith(_CHATTERING):
            return True
        line, now = (record.name, str(record.msg)), monotonic()
        if now - self._last.get(line, -math.inf) < self._every_s:
            self._held_back[line] += 1
            return False
        self._last[line] = now
        held_back = self._held_back.pop(line, 0)
        if held_back:
            record.msg = f"{record.msg} ({held_back} more like this)"
        return True


class _StdoutHandler(logging.Handler):
    """Writes to what is standard output at the time, and tells nothing when it cannot."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except Exception:  # logging's contract: a line that cannot be written stops nobody
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say where a line was lost; the inherited method would print it, secrets and all."""
        with contextlib.suppress(Exception):
            sys.stderr.write(f"a log line of {record.pathname}:{record.lineno} was lost\n")


def _log_to_stdout(settings: CommonSettings) -> None:
    before_rendering: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _traceback_renderer(settings),
        _add_origin,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before_rendering,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before_rendering,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redact,
            _renderer(settings),
        ],
    )
    _replace_handler(formatter, settings.log_level)


def _replace_handler(formatter: logging.Formatter, level: str) -> None:
    """Make ours the one handler of ours on the root logger."""
    handler = _StdoutHandler()
    handler.addFilter(_Seldom(CHATTER_EVERY_S))
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _StdoutHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _traceback_renderer(settings: CommonSettings) -> Processor:
    if settings.log_level == "DEBUG":
        return structlog.processors.format_exc_info
    return structlog.processors.ExceptionRenderer(without_messages)


def _renderer(settings: CommonSettings) -> Processor:
    if settings.log_format == "console" and sys.stdout.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer()


def _add_origin(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Say which service and which trace a line belongs to."""
    if telemetry := _current.get():
        event["service"] = telemetry.service
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def _redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Take the secrets out; comes last, so that nothing is added after it."""
    clean: EventDict = redactor.value(dict(event))
    return clean
