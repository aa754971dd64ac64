"""Connections to Kafka: the consuming broker, the producer of the relay, and their security."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from libs.common.errors import Unavailable
from libs.common.settings import CommonSettings

REQUEST_TIMEOUT_MS = 10_000
"""How long a broker may say nothing before its connection is dropped and another is made.

What was asked while packets were lost holds everything up for as long once they arrive again; with
aiokafka's 40 s that is longer than all the rest takes together.
"""

IDLE_MS = 5_000
"""How long an idle connection is kept.

One that the network has forgotten costs its next user a whole request timeout, at each idle service
that a document passes; a new one costs milliseconds.
"""

REBALANCE_MARGIN_MS = 5_000
"""How much longer than its session a consumer waits for an answer: in a rebalance it comes only
when the session of a frozen member has ended."""


def consuming_broker(
    settings: CommonSettings, make: Callable[..., KafkaBroker] = KafkaBroker
) -> KafkaBroker:
    """Return a FastStream broker that acknowledges after success only, connected to nothing yet.

    FastStream's default for Kafka acknowledges on receipt, which loses work in a crash. It checks
    no types: for that it would take every record to a thread and back, twice.
    """
    return make(
        settings.kafka_bootstrap_servers,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        allow_auto_create_topics=False,
        apply_types=False,
        consumer_only=True,
        logger=None,
        request_timeout_ms=settings.session_timeout_ms + REBALANCE_MARGIN_MS,
        connections_max_idle_ms=IDLE_MS,
        security=_faststream_security(settings),
    )


def producer(
    settings: CommonSettings, make: Callable[..., AIOKafkaProducer] = AIOKafkaProducer
) -> AIOKafkaProducer:
    """Return the producer of relay and dead letters, not started.

    It sends pipelined without waiting for company (``linger_ms=0``): the relay hands over whole
    batches, and a batch forms while the previous one is on its way.
    """
    return make(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        compression_type=settings.kafka_compression,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        connections_max_idle_ms=IDLE_MS,
        **connection_security(settings),
    )


@dataclass(frozen=True)
class Clients:
    """How a service connects to Kafka; a process with a broker of its own may do it another way."""

    producer: Callable[[CommonSettings], AIOKafkaProducer] = producer
    consuming_broker: Callable[[CommonSettings], KafkaBroker] = consuming_broker
    full_topics: Callable[[], frozenset[str]] = frozenset
    """Topics that take nothing more until what is in them was read."""


async def missing_topics(connected: AIOKafkaProducer, wanted: Iterable[str]) -> list[str]:
    """Return those of ``wanted`` that the cluster does not have.

    Raises:
        Unavailable: The cluster does not answer.
    """
    try:
        async with asyncio.timeout(5):
            metadata = await connected.client.fetch_all_metadata()
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable("the broker did not answer") from error
    return sorted(set(wanted) - set(metadata.topics()))


def connection_security(settings: CommonSettings) -> dict[str, Any]:
    """Return the arguments that aiokafka's clients take for security."""
    arguments: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if "SSL" in settings.kafka_security_protocol:
        arguments["ssl_context"] = _tls(settings)
    if "SASL" in settings.kafka_security_protocol:
        secret = settings.kafka_sasl_password
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": secret.get_secret_value() if secret else None,
        }
    return arguments


def _tls(settings: CommonSettings) -> ssl.SSLContext:
    try:
        return settings.kafka_tls()
    except ValueError as error:  # they were there when settings were read
        raise Unavailable(str(error)) from error


def _faststream_security(settings: CommonSettings) -> BaseSecurity | None:
    arguments = connection_security(settings)
    context = arguments.get("ssl_context")
    if "sasl_mechanism" not in arguments:
        return BaseSecurity(ssl_context=context) if context else None
    kind = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return kind[arguments["sasl_mechanism"]](
        username=arguments["sasl_plain_username"] or "",
        password=arguments["sasl_plain_password"] or "",
        ssl_context=context,
        use_ssl=context is not None,
    )
