"""The topics that the event classes declare, and their creation on a cluster.

Auto-creation is off in deployments, so every topic exists because it is declared: one per event
class, and one for the dead letters of each service that consumes it, ``<topic>.<service>.dlq``.
Which service consumes what is an argument here, for this module imports no service.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from libs.common.contracts.base import DAY_MS, Event
from libs.common.contracts.catalog import every_event
from libs.common.errors import Permanent, Unavailable

DLQ_RETENTION_MS = 30 * DAY_MS
DLQ_PARTITIONS = 1
CONNECT_TIMEOUT_S = 20.0
SPREAD_TIMEOUT_S = 30.0
SPREAD_POLL_S = 0.1
NO_LEADER = -1

Action = Literal["created", "extended", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """What a topic must be. ``config`` is in Kafka's own names and texts."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TopicOutcome:
    """What was done about one topic, and in ``notes`` how it still differs from its spec."""

    name: str
    action: Action
    partitions: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        line = f"{self.action:<9}  {self.name}  ({self.partitions} partitions)"
        return "; ".join((line, *self.notes))


def declared_topics(
    consumers: Mapping[str, Sequence[type[Event]]],
    replication_factor: int = 1,
    partitions: int | None = None,
) -> tuple[TopicSpec, ...]:
    """Every topic of the system: those of the events, then the dead letters by service.

    ``consumers`` maps the name of a service to the events that it consumes. ``partitions``
    replaces what the events declare; dead letters always have one.
    """
    events = tuple(
        TopicSpec(
            name=event.topic,
            partitions=partitions or event.partitions,
            replication_factor=replication_factor,
            config=_config(event.retention_ms, replication_factor),
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
    return events + dead_letters


def dead_letter_topic(topic: str, service: str) -> str:
    """Where ``service`` puts the messages of ``topic`` that it cannot handle."""
    return f"{topic}.{service}.dlq"


async def create_topics(
    bootstrap: str, specs: Sequence[TopicSpec], **security: Any
) -> tuple[TopicOutcome, ...]:
    """Bring the cluster to ``specs`` and say what was done, in their order. Repeating is fine.

    Missing topics are created, missing partitions added. Partitions are never taken away, and a
    setting that somebody changed is left alone: both are noted in the outcome. Returns when every
    new partition has a leader, so that a client may start at once.

    Args:
        bootstrap: Addresses as ``host:port``, separated by commas.
        specs: The topics.
        security: Further arguments of aiokafka's clients, as ``security_protocol``.

    Raises:
        Unavailable: The cluster does not answer, or new partitions got no leader in time.
        Permanent: The cluster refused, for example for lack of rights or of brokers.
    """
    async with _admin(bootstrap, security) as admin:
        existing = await _partition_counts(admin)
        outcomes = [compare(spec, existing.get(spec.name)) for spec in specs]
        pairs = list(zip(specs, outcomes, strict=True))
        await _create(admin, [spec for spec, done in pairs if done.action == "created"])
        await _extend(admin, [spec for spec, done in pairs if done.action == "extended"])
        await _until_led(admin, specs)
        return tuple(await _with_config_notes(admin, pairs))


def compare(spec: TopicSpec, existing_partitions: int | None) -> TopicOutcome:
    """Decide what a topic needs; ``None`` partitions means that it does not exist."""
    if existing_partitions is None:
        return TopicOutcome(name=spec.name, action="created", partitions=spec.partitions)
    if existing_partitions < spec.partitions:
        note = f"had {existing_partitions}; keys may now map to another partition"
        return TopicOutcome(
            name=spec.name, action="extended", partitions=spec.partitions, notes=(note,)
        )
    if existing_partitions > spec.partitions:
        note = f"declared with {spec.partitions}; partitions are never taken away"
        return TopicOutcome(
            name=spec.name, action="unchanged", partitions=existing_partitions, notes=(note,)
        )
    return TopicOutcome(name=spec.name, action="unchanged", partitions=existing_partitions)


def _config(retention_ms: int, replication_factor: int) -> dict[str, str]:
    config = {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}
    if replication_factor > 1:  # one broker may be away, and acks=all still means two copies of 3
        config["min.insync.replicas"] = str(replication_factor - 1)
    return config


@asynccontextmanager
async def _admin(bootstrap: str, security: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client whose errors are translated into ours."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **security)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await admin.start()
        yield admin
    except (TimeoutError, OSError) as error:
        raise Unavailable("the broker did not answer") from error
    except KafkaError as error:
        kind = Unavailable if error.retriable else Permanent
        raise kind(f"the broker refused: {error}") from error
    finally:
        await admin.close()


async def _partition_counts(
    admin: AIOKafkaAdminClient, *, led_only: bool = False
) -> dict[str, int]:
    """Partitions by topic. All topics are listed, since asking for one by name may create it."""
    return {
        topic["topic"]: sum(
            1
            for partition in topic["partitions"]
            if not led_only or partition["leader"] != NO_LEADER
        )
        for topic in await admin.describe_topics()
    }


async def _create(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    wanted = [
        NewTopic(
            spec.name, spec.partitions, spec.replication_factor, topic_configs=dict(spec.config)
        )
        for spec in specs
    ]
    response = await admin.create_topics(wanted)
    for name, code, message in response.topic_errors:
        # Somebody else may create the same topics at the same time.
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise for_code(code)(f"topic {name}: {message}")


async def _extend(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    if specs:
        await admin.create_partitions({spec.name: NewPartitions(spec.partitions) for spec in specs})


async def _until_led(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    """Wait until the brokers know a leader for every declared partition."""
    async with asyncio.timeout(SPREAD_TIMEOUT_S):
        while True:
            led = await _partition_counts(admin, led_only=True)
            if all(led.get(spec.name, 0) >= spec.partitions for spec in specs):
                return
            await asyncio.sleep(SPREAD_POLL_S)


async def _with_config_notes(
    admin: AIOKafkaAdminClient, pairs: Iterable[tuple[TopicSpec, TopicOutcome]]
) -> list[TopicOutcome]:
    """Note the settings of topics that existed where they are not as declared."""
    pairs = list(pairs)
    existed = [spec.name for spec, outcome in pairs if outcome.action != "created"]
    found = await _configs(admin, existed) if existed else {}
    return [
        replace(outcome, notes=outcome.notes + _differences(spec, found.get(spec.name, {})))
        for spec, outcome in pairs
    ]


def _differences(spec: TopicSpec, found: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{name} is {found[name]}, declared {declared}"
        for name, declared in spec.config.items()
        if name in found and found[name] != declared
    )


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(wanted):
        for code, message, _kind, name, entries in response.resources:
            if code:
                raise for_code(code)(f"topic {name}: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs
