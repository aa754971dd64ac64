import asyncio
import contextvars
import json
import logging

import aiosqlite
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from libs.common.observability.telemetry import (
    configure,
    current_traceparent,
    span_from,
    span_linked_to,
)
from libs.common.settings import CommonSettings

TRACE = "0af7651916cd43dd8448eb211c80319c"
STORED = f"00-{TRACE}-b7ad6b7169203331-01"


def settings(**values) -> CommonSettings:
    return CommonSettings(**{"kafka_bootstrap_servers": "k:1", "storage_url": "file:///o"} | values)


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def spans():
    return InMemorySpanExporter()


@pytest.fixture
def ingest(spans):
    telemetry = configure("ingest", settings(), span_processor=SimpleSpanProcessor(spans))
    yield telemetry
    telemetry.close()


@pytest.fixture
def lines(capsys):
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_its_service_level_time_and_trace(ingest, lines):
    with span_from(STORED, "work"):
        structlog.get_logger("services.ingest").info("page extracted", page=3)
    [line] = lines()
    assert line["event"] == "page extracted"
    assert line["page"] == 3
    assert (line["service"], line["level"], line["logger"]) == ("ingest", "info", "services.ingest")
    assert line["timestamp"].endswith("Z")
    assert line["trace_id"] == TRACE
    assert len(line["span_id"]) == 16


def test_logging_takes_the_same_way(ingest, lines):
    logging.getLogger("a.library").warning("%s of %d", "page", 3)
    [line] = lines()
    assert (line["event"], line["service"], line["level"]) == ("page of 3", "ingest", "warning")


def test_secrets_leave_by_no_way(lines):
    secret = "correct-horse-battery"
    keys = {"s3_access_key_id": SecretStr("x1x2"), "s3_secret_access_key": SecretStr(secret)}
    configure("ingest", settings(**keys))
    log = structlog.get_logger()
    log.info(f"text {secret}", nested={"list": [secret, secret.encode()]}, other=secret)
    log.info("arguments %s", secret)
    logging.getLogger("stdlib").error("arguments %s %r", secret, {"password": "not registered"})
    try:
        raise RuntimeError(f"mail to jo@example.com with {secret}")
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("stdlib").exception("failed too")
    logged = lines()
    assert len(logged) == 5
    text = json.dumps(logged)
    assert secret not in text
    assert "not registered" not in text
    assert "jo@example.com" not in text
    assert "RuntimeError" in logged[-1]["exception"]
    assert "RuntimeError" in logged[-2]["exception"]


def fail_in_both_ways(said: str) -> None:
    try:
        raise RuntimeError(said) from KeyError(said)
    except RuntimeError as error:
        structlog.get_logger().exception("failed")
        structlog.get_logger().warning("failed a little", exc_info=error)
        logging.getLogger("stdlib").exception("failed too")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_where_and_what_but_not_what_was_said(lines, log_format):
    configure("ingest", settings(log_format=log_format))
    fail_in_both_ways("canary-in-a-message")
    logged = lines()
    assert [line["event"] for line in logged] == ["failed", "failed a little", "failed too"]
    assert "canary" not in json.dumps(logged)
    for line in logged:
        shown = line["exception"].splitlines()
        assert (shown[0], shown[-1]) == ("KeyError", "RuntimeError")
        assert "in fail_in_both_ways" in line["exception"]


def test_only_at_the_level_debug_is_it_said(lines):
    configure("ingest", settings(log_level="DEBUG"))
    fail_in_both_ways("canary-in-a-message")
    told = [line["exception"].splitlines()[-1] for line in lines() if "exception" in line]
    assert told == ["RuntimeError: canary-in-a-message"] * 3


async def test_no_level_shows_what_statements_and_requests_are_given(lines, tmp_path):
    configure("ingest", settings(log_level="DEBUG"))
    logging.getLogger("stdlib").debug("the level is on")
    async with aiosqlite.connect(tmp_path / "a.db") as connection:
        await connection.execute("SELECT ?", ["canary-in-a-title"])
    logging.getLogger("botocore.endpoint").debug("canary-in-a-body")
    logged = lines()
    assert [line["event"] for line in logged if line["level"] == "debug"][:1] == ["the level is on"]
    assert "canary" not in json.dumps(logged)


def test_a_line_that_cannot_be_written_stops_nobody_and_shows_nothing(ingest, capsys):
    record = logging.LogRecord("a", logging.INFO, "a.py", 1, "%d pages", ("hunter2",), None)
    [ours] = [
        handler
        for handler in logging.getLogger().handlers
        if type(handler).__module__ == "libs.common.observability.telemetry"
    ]
    ours.handle(record)
    captured = capsys.readouterr()
    assert "was lost" in captured.err
    assert "hunter2" not in captured.err + captured.out


def test_what_is_not_serious_enough_is_not_logged(lines):
    configure("ingest", settings(log_level="WARNING"))
    structlog.get_logger().info("quiet")
    logging.getLogger("stdlib").info("quiet")
    assert lines() == []


def test_configured_twice_it_still_logs_once(lines):
    for service in ("ingest", "synth"):
        configure(service, settings())
    structlog.get_logger().info("once")
    assert [line["service"] for line in lines()] == ["synth"]


def test_without_a_terminal_the_console_format_is_json_too(lines):
    configure("ingest", settings(log_format="console"))
    structlog.get_logger().info("plain")
    assert lines()[0]["event"] == "plain"


async def test_services_of_one_process_are_told_apart(lines):
    async def service(name: str, met: asyncio.Barrier) -> None:
        configure(name, settings())
        await met.wait()
        await asyncio.create_task(below(name))

    async def below(name: str) -> None:
        structlog.get_logger().info(name)

    met = asyncio.Barrier(3)
    await asyncio.gather(*(service(name, met) for name in ("ingest", "synth", "gateway")))
    logged = lines()
    assert len(logged) == 3
    assert all(line["service"] == line["event"] for line in logged)


def test_a_trace_goes_on_where_it_came_from(ingest, spans):
    with span_from(STORED, "consume page.extracted", event_id="e1", attempt=2):
        traceparent = current_traceparent()
    assert traceparent is not None
    assert traceparent.startswith(f"00-{TRACE}-")
    assert traceparent != STORED
    [span] = spans.get_finished_spans()
    assert span.name == "consume page.extracted"
    assert dict(span.attributes) == {"event_id": "e1", "attempt": 2}
    assert f"{span.parent.span_id:016x}" == STORED.split("-")[2]
    assert span.resource.attributes["service.name"] == "ingest"


@pytest.mark.parametrize(
    "stored", [None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"]
)
def test_without_a_trace_a_new_one_begins(ingest, spans, stored):
    assert current_traceparent() is None
    with span_from(stored, "first"):
        assert current_traceparent() is not None
    assert spans.get_finished_spans()[0].parent is None


def test_spans_nest(ingest, spans):
    with span_from(None, "outer"), span_from(None, "inner"):
        pass
    inner, outer = spans.get_finished_spans()
    assert inner.parent.span_id == outer.context.span_id


def test_an_error_is_named_but_its_text_stays(ingest, spans):
    with pytest.raises(ValueError, match="private"), span_from(None, "work"):
        raise ValueError("private")
    [span] = spans.get_finished_spans()
    assert (span.status.is_ok, span.status.description) == (False, "ValueError")
    assert span.events == ()


def test_attributes_are_redacted(ingest, spans):
    with span_from(None, "work", url="https://u:hunter2@host/x"):
        pass
    assert "hunter2" not in str(dict(spans.get_finished_spans()[0].attributes))


def test_an_unsampled_trace_still_travels(spans):
    configure("ingest", settings(trace_sample_ratio=0), span_processor=SimpleSpanProcessor(spans))
    with span_from(None, "work"):
        assert current_traceparent() is not None
    with span_from(f"00-{TRACE}-b7ad6b7169203331-00", "work"):
        assert str(current_traceparent()).startswith(f"00-{TRACE}-")
    assert spans.get_finished_spans() == ()


async def test_spans_reach_the_collector_that_is_configured():
    got = asyncio.get_running_loop().create_future()

    async def collect(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        got.set_result(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    collector = await asyncio.start_server(collect, "127.0.0.1", 0)
    port = collector.sockets[0].getsockname()[1]
    telemetry = configure("ingest", settings(otlp_endpoint=f"http://127.0.0.1:{port}"))
    with span_from(None, "work"):
        pass
    await asyncio.to_thread(telemetry.close)
    assert (await got).startswith(b"POST /v1/traces HTTP/1.1")
    collector.close()
    await collector.wait_closed()


def test_unconfigured_nothing_breaks_and_the_trace_is_passed_on():
    def passed_on() -> str | None:
        with span_from(STORED, "work"):
            return current_traceparent()

    assert contextvars.Context().run(passed_on) == STORED


@pytest.mark.slow
def test_the_kafka_client_repeats_itself_once_in_a_while(ingest, lines, monkeypatch):
    now = 100.0
    monkeypatch.setattr("libs.common.observability.telemetry.monotonic", lambda: now)
    client = logging.getLogger("aiokafka.conn")
    for _ in range(1000):
        client.error("Unable connect to node with id %s", 1)
        logging.getLogger("ours").error("Something else")
    now = 200.0
    client.error("Unable connect to node with id %s", 2)
    told = [line["event"] for line in lines()]
    assert told.count("Something else") == 1000
    assert [event for event in told if event.startswith("Unable")] == [
        "Unable connect to node with id 1",
        "Unable connect to node with id 2 (999 more like this)",
    ]


def test_a_client_cannot_have_its_trace_recorded(spans):
    telemetry = configure(
        "gateway", settings(trace_sample_ratio=0.0), span_processor=SimpleSpanProcessor(spans)
    )
    with span_linked_to(STORED, "request"):
        pass
    telemetry.close()
    assert spans.get_finished_spans() == ()
