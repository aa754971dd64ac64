"""Topics that get more partitions, as docs/runbooks/more-partitions.md says, on real Kafka."""

from pathlib import Path
from uuid import uuid4

from tests.faults.replica import assigned, one_topic, until

DOCUMENTS = 20


async def test_order_by_document_holds_where_all_was_read_before(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    documents = [uuid4() for _ in range(DOCUMENTS)]
    sent: dict[bytes, list[str]] = {str(document).encode(): [] for document in documents}

    async with one_topic(kafka_bootstrap, tmp_path, partitions=2) as topic:

        async def send() -> None:
            for key, document in zip(sent, documents, strict=True):
                sent[key].append(await topic.send(about=document))

        await send()
        async with topic.replica() as (before, _):
            await topic.until_handled({event for found in sent.values() for event in found})
        assert await topic.with_partitions(6) == "extended"
        await send()
        async with topic.replica() as (after, broker):
            await until(lambda: assigned(broker) == 6)
            await topic.until_handled({event for found in sent.values() for event in found})
    read = {key: before.keys[key] + after.keys[key] for key in sent}
    assert read == sent
    assert {partition for partition, _ in after.taken} - {0, 1}, "documents have moved"
