import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest
from faststream.kafka import KafkaMessage
from faststream.security import SASLPlaintext, SASLScram256, SASLScram512

from libs.common.errors import Unavailable
from libs.common.kafka.broker import connection_security, consuming_broker, missing_topics, producer
from libs.common.settings import CommonSettings

EVENTUALLY_S = 30.0
SHORT_SESSION_MS = 1500
LOGIN = {"kafka_sasl_username": "ada", "kafka_sasl_password": "s3cret"}


def settings(bootstrap="127.0.0.1:1", **changes):
    given = {"kafka_bootstrap_servers": bootstrap, "storage_url": "file:///var/lib/lectern"}
    return CommonSettings(**given | changes)


@pytest.fixture
async def sender(embedded_kafka):
    """A started producer on a broker with the topic ``notes``, and the broker's address."""
    bootstrap = embedded_kafka({"notes": 1})
    sender = producer(settings(bootstrap))
    await sender.start()
    yield sender, bootstrap
    await sender.stop()


def test_plain_text_needs_no_more():
    assert connection_security(settings()) == {"security_protocol": "PLAINTEXT"}


def test_tls_checks_the_certificate():
    arguments = connection_security(settings(kafka_security_protocol="SSL"))
    context = arguments.pop("ssl_context")
    assert arguments == {"security_protocol": "SSL"}
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_file_that_went_since_settings_were_read_may_come_back(tmp_path):
    there = tmp_path / "ca.pem"
    there.write_text(Path(certifi.where()).read_text())
    secured = settings(kafka_security_protocol="SSL", kafka_ca_file=there)
    assert connection_security(secured)["ssl_context"].get_ca_certs()
    there.unlink()
    with pytest.raises(Unavailable, match=r"LECTERN_KAFKA_CA_FILE.*ca\.pem"):
        connection_security(secured)


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_logs_in(protocol):
    arguments = connection_security(settings(kafka_security_protocol=protocol, **LOGIN))
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert arguments["sasl_plain_username"] == "ada"
    assert arguments["sasl_plain_password"] == "s3cret"
    assert ("ssl_context" in arguments) == (protocol == "SASL_SSL")


@pytest.mark.parametrize(
    ("mechanism", "kind"),
    [
        ("PLAIN", SASLPlaintext),
        ("SCRAM-SHA-256", SASLScram256),
        ("SCRAM-SHA-512", SASLScram512),
    ],
)
def test_the_consuming_broker_logs_in_alike(mechanism, kind):
    secured = settings(kafka_security_protocol="SASL_SSL", kafka_sasl_mechanism=mechanism, **LOGIN)
    security = consuming_broker(secured).specification.security
    assert isinstance(security, kind)
    assert (security.username, security.password, security.use_ssl) == ("ada", "s3cret", True)


async def test_names_the_topics_that_are_missing(sender):
    connected, _ = sender
    assert await missing_topics(connected, ["notes"]) == []
    assert await missing_topics(connected, ["z.gone", "notes", "a.gone"]) == ["a.gone", "z.gone"]
    assert await missing_topics(connected, []) == []


async def test_a_broker_that_went_away_is_unavailable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        silent = producer(settings(f"127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(Unavailable, match="broker did not answer"):
            await missing_topics(silent, ["notes"])
        await silent.stop()


async def as_bytes(message: KafkaMessage) -> bytes:
    return message.body


async def test_acknowledges_after_success_only(sender):
    connected, bootstrap = sender
    for number in b"0123":
        await connected.send_and_wait("notes", bytes([number]))
    seen: list[bytes] = []
    finished = asyncio.Event()
    broker = consuming_broker(settings(bootstrap))

    @broker.subscriber(
        "notes",
        group_id="test",
        auto_offset_reset="earliest",
        session_timeout_ms=SHORT_SESSION_MS,
        heartbeat_interval_ms=SHORT_SESSION_MS // 4,
        no_reply=True,
        decoder=as_bytes,
    )
    async def consume(body: bytes) -> None:
        seen.append(body)
        if body == b"2" and seen.count(b"2") == 1:
            raise LookupError
        if body == b"3":
            finished.set()

    await broker.start()
    try:
        async with asyncio.timeout(EVENTUALLY_S):
            await finished.wait()
    finally:
        await broker.stop()
    assert seen == [b"0", b"1", b"2", b"2", b"3"]


def test_a_consumer_waits_for_as_long_as_its_group_may():
    made: list[dict[str, Any]] = []

    def note(*servers: str, **options: Any) -> Any:
        made.append(options)

    consuming_broker(settings(session_timeout_ms=45_000), note)
    assert made[0]["request_timeout_ms"] > 45_000


def test_a_process_may_connect_its_own_way():
    made: list[dict[str, Any]] = []

    def note(*servers: str, **options: Any) -> Any:
        made.append(options)

    producer(settings(), note)
    consuming_broker(settings(), note)
    sending, consuming = made
    assert (sending["enable_idempotence"], sending["acks"]) == (True, "all")
    assert consuming["allow_auto_create_topics"] is False
