"""Records as FastStream gets them; its own parser is in test_subscription.py."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from libs.common.kafka.decoding import decode, parse


def raw(offset=7, headers=(), value=b"value"):
    return ConsumerRecord(
        topic="document.deleted",
        partition=3,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=b"key",
        value=value,
        checksum=None,
        serialized_key_size=3,
        serialized_value_size=5,
        headers=headers,
    )


async def as_text(records) -> Any:
    """Read headers as FastStream's parser does."""
    texts = [{name: value.decode() for name, value in record.headers} for record in records]
    return SimpleNamespace(headers=texts, raw_message=records)


async def test_a_batch_is_parsed_by_faststream():
    records = (raw(headers=(("ce_id", b"1"),)), raw(8))
    message: Any = await parse(records, as_text)
    assert message.headers == [{"ce_id": "1"}, {}]
    assert message.raw_message is records


@pytest.mark.parametrize("value", [b"\xff\xfe", None])
async def test_a_header_that_is_no_text_loses_no_record(value):
    records = (raw(headers=(("ce_id", value),)), raw(8, headers=(("ce_id", b"1"),)))
    message = await parse(records, as_text)
    assert message.raw_message is records
    assert [record.headers for record in await decode(message)] == [
        (("ce_id", value),),
        (("ce_id", b"1"),),
    ]


async def test_a_record_stays_as_it_came():
    message: Any = SimpleNamespace(raw_message=(raw(value=None),))
    [record] = await decode(message)
    assert (record.topic, record.partition, record.offset) == ("document.deleted", 3, 7)
    assert record.timestamp_ms == message.raw_message[0].timestamp
    assert (record.key, record.value, record.headers) == (b"key", None, ())
