import socket

import pytest

from libs.common.errors import Unavailable
from libs.common.kafka.topic_specs import TopicSpec
from libs.common.kafka.topics import ConfigEntry, compare, create_topics, differences

SPEC = TopicSpec(name="audio.ready", partitions=12, replication_factor=1)


@pytest.mark.parametrize(
    ("existing", "action", "partitions", "note"),
    [
        (None, "created", 12, ""),
        (12, "unchanged", 12, ""),
        (3, "extended", 12, "had 3"),
        (24, "unchanged", 24, "never taken away"),
    ],
)
def test_partitions_only_grow(
    existing: int | None, action: str, partitions: int, note: str
) -> None:
    outcome = compare(SPEC, existing)
    assert (outcome.action, outcome.partitions) == (action, partitions)
    assert note in str(outcome)
    assert str(outcome).startswith(action)


async def test_a_silent_cluster_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable):
        await create_topics(f"127.0.0.1:{port}", [SPEC])


def test_what_differs_is_what_was_declared_and_is_otherwise() -> None:
    config = {"retention.ms": "-1", "cleanup.policy": "delete", "unknown.here": "1"}
    spec = TopicSpec(name="audio.ready", partitions=1, replication_factor=1, config=config)
    found = {
        "retention.ms": ConfigEntry("1000", own=True),
        "cleanup.policy": ConfigEntry("delete", own=False),
        "segment.ms": ConfigEntry("5", own=True),
    }
    assert differences(spec, found) == {"retention.ms": "1000"}
