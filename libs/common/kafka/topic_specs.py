"""What topics there must be: one for each event class, and those of the dead letters.

A service that consumes a topic has dead letters of its own, ``<topic>.<service>.dlq``. Which
service consumes what is an argument here, for this module imports no service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from libs.common.contracts.base import DAY_MS, FOREVER, Event
from libs.common.contracts.catalog import every_event
from libs.common.kafka_settings import hours_by_topic
from libs.common.settings import CommonSettings, InvalidSettings, variable

DLQ_RETENTION_MS = 30 * DAY_MS
DLQ_PARTITIONS = 1
EVERY_DLQ = "*.dlq"
HOUR_MS = 60 * 60 * 1000
RETENTION = "retention.ms"
PUBLIC_COMPRESSION = "gzip"
"""What every client library reads by itself, Node's and the browser's tools among them."""


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """What a topic must be. ``config`` is in Kafka's own names and texts.

    A topic that exists already is brought to what is ``enforced`` of its config; the rest may have
    been changed on purpose.
    """

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str] = field(default_factory=dict)
    enforced: frozenset[str] = frozenset()


def declared_topics(
    consumers: Mapping[str, Sequence[type[Event]]],
    replication_factor: int = 1,
    partitions: int | None = None,
    retention_ms: Mapping[str, int] | None = None,
) -> tuple[TopicSpec, ...]:
    """Every topic of the system: those of the events, then the dead letters by service.

    ``consumers`` maps the name of a service to the events that it consumes. ``partitions``
    replaces what the events keyed by document declare: all others have as many as they need.
    ``retention_ms`` is what :func:`read_retention` returns.

    Raises:
        InvalidSettings: ``retention_ms`` names a topic that there is not.
    """
    events = tuple(
        TopicSpec(
            name=event.topic,
            partitions=_partitions(event, partitions),
            replication_factor=replication_factor,
            config=_config(event.retention_ms, replication_factor, public=event.public),
        )
        for event in every_event()
    )
    dead_letters = tuple(
        TopicSpec(
            name=dead_letter_topic(event.topic, service),
            partitions=DLQ_PARTITIONS,
            replication_factor=replication_factor,
            config=_config(DLQ_RETENTION_MS, replication_factor),
        )
        for service, consumed in sorted(consumers.items())
        for event in consumed
    )
    return _retained(events + dead_letters, retention_ms or {})


def dead_letter_topic(topic: str, service: str) -> str:
    """Where ``service`` puts the messages of ``topic`` that it cannot handle."""
    return f"{topic}.{service}.dlq"


def _partitions(event: type[Event], by_document: int | None) -> int:
    """Only where there are as many keys as documents do more partitions mean more at a time."""
    if event.keyed_by[0] != "document_id":
        return event.partitions
    return by_document or event.partitions


def read_retention(text: str) -> dict[str, int]:
    """Read ``topic=hours,topic=forever``; return milliseconds by name, -1 for ever.

    Raises:
        InvalidSettings: It is not of that form, or hours are no positive whole number.
    """
    try:
        found = hours_by_topic(text)
    except ValueError as error:
        raise _invalid(str(error)) from None
    return {name: FOREVER if hours is None else hours * HOUR_MS for name, hours in found.items()}


def _retained(
    specs: tuple[TopicSpec, ...], retention_ms: Mapping[str, int]
) -> tuple[TopicSpec, ...]:
    """Return specs that keep records as long as ``retention_ms`` says, where it names them."""
    names = {spec.name for spec in specs}
    unknown = sorted(set(retention_ms) - names - {EVERY_DLQ})
    if unknown:
        raise _invalid(f"there is no topic {unknown[0]!r}; `lectern topics create` lists all")
    return tuple(_with_retention(spec, retention_ms) for spec in specs)


def _with_retention(spec: TopicSpec, retention_ms: Mapping[str, int]) -> TopicSpec:
    """The name of a topic goes before the one for all dead letters."""
    of_all = retention_ms.get(EVERY_DLQ) if spec.name.endswith(".dlq") else None
    named = retention_ms.get(spec.name, of_all)
    if named is None:
        return spec
    config = {**spec.config, RETENTION: str(named)}
    return replace(spec, config=config, enforced=spec.enforced | {RETENTION})


def _config(retention_ms: int, replication_factor: int, *, public: bool = False) -> dict[str, str]:
    config = {"cleanup.policy": "delete", RETENTION: str(retention_ms)}
    if public:  # else it is stored as the producer has sent it
        config["compression.type"] = PUBLIC_COMPRESSION
    if replication_factor > 1:  # one broker may be away, and acks=all still means two copies of 3
        config["min.insync.replicas"] = str(replication_factor - 1)
    return config


def _invalid(why: str) -> InvalidSettings:
    return InvalidSettings(f"{variable(CommonSettings, 'topic_retention_hours')}: {why}")
