"""Topics on a cluster: made, extended and set as their specs say.

Auto-creation is off in deployments, so every topic exists because it is declared
(:mod:`.topic_specs`).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from libs.common.errors import Permanent, Unavailable
from libs.common.kafka.topic_specs import TopicSpec

CONNECT_TIMEOUT_S = 20.0
SPREAD_TIMEOUT_S = 30.0
SPREAD_POLL_S = 0.1
NO_LEADER = -1
OF_THE_TOPIC = 1
"""Where a value in DescribeConfigs comes from: it was set for this topic (DYNAMIC_TOPIC_CONFIG)."""

Action = Literal["created", "extended", "changed", "unchanged"]


class ConfigEntry(NamedTuple):
    """A value of a topic's config; ``own`` if it was set for the topic."""

    value: str
    own: bool


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


async def create_topics(
    bootstrap: str, specs: Sequence[TopicSpec], **security: Any
) -> tuple[TopicOutcome, ...]:
    """Bring the cluster to ``specs`` and say what was done, in their order. Repeating is fine.

    Missing topics are created, missing partitions added, and what specs enforce is set. Partitions
    are never taken away, and what else somebody changed is left alone: both are noted in the
    outcome. Returns when every new partition has a leader, so that a client may start at once.

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
        return tuple(await _with_configs(admin, pairs))


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


async def _with_configs(
    admin: AIOKafkaAdminClient, pairs: Iterable[tuple[TopicSpec, TopicOutcome]]
) -> list[TopicOutcome]:
    """Bring topics that existed to what is enforced of their config, and note what else differs."""
    pairs = list(pairs)
    existed = [spec.name for spec, outcome in pairs if outcome.action != "created"]
    found = await _configs(admin, existed) if existed else {}
    wrong = {spec.name: differences(spec, found.get(spec.name, {})) for spec, _ in pairs}
    await _alter(
        admin,
        {
            spec.name: _own(found[spec.name]) | {name: spec.config[name] for name in changed}
            for spec, _ in pairs
            if (changed := wrong[spec.name].keys() & spec.enforced)
        },
    )
    return [_noted(spec, outcome, wrong[spec.name]) for spec, outcome in pairs]


def differences(spec: TopicSpec, found: Mapping[str, ConfigEntry]) -> dict[str, str]:
    """Return what is not as in ``spec``: the values that are found, by name."""
    return {
        name: found[name].value
        for name, declared in spec.config.items()
        if name in found and found[name].value != declared
    }


def _noted(spec: TopicSpec, outcome: TopicOutcome, wrong: Mapping[str, str]) -> TopicOutcome:
    changed = wrong.keys() & spec.enforced
    notes = tuple(
        f"{name} was {value}, is {spec.config[name]} now"
        if name in changed
        else f"{name} is {value}, declared {spec.config[name]}"
        for name, value in wrong.items()
    )
    action: Action = "changed" if changed and outcome.action == "unchanged" else outcome.action
    return replace(outcome, action=action, notes=outcome.notes + notes)


def _own(found: Mapping[str, ConfigEntry]) -> dict[str, str]:
    return {name: entry.value for name, entry in found.items() if entry.own}


async def _configs(
    admin: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, ConfigEntry]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, ConfigEntry]] = {}
    for response in await admin.describe_configs(wanted):
        for code, message, _kind, name, entries in response.resources:
            if code:
                raise for_code(code)(f"topic {name}: {message}")
            configs[name] = {
                entry[0]: ConfigEntry(entry[1], own=entry[3] == OF_THE_TOPIC) for entry in entries
            }
    return configs


async def _alter(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Set the whole config of topics: what is not in ``wanted`` goes back to the broker's default.

    aiokafka has no request that changes one entry and leaves the others.
    """
    if not wanted:
        return
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(config))
        for name, config in wanted.items()
    ]
    for response in await admin.alter_configs(resources):
        for code, message, _kind, name in response.resources:
            if code:
                raise for_code(code)(f"topic {name}: {message}")
