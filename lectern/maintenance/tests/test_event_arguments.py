import argparse
from datetime import UTC, datetime

import pytest

from lectern.maintenance.event_arguments import moment, stream_name, topic_name


def test_what_there_is_is_taken():
    assert topic_name("audio.ready") == "audio.ready"
    assert stream_name("page/7/1") == "page/7/1"
    assert moment("2026-11-27T14:00:00Z") == datetime(2026, 11, 27, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "wrong", "answer"),
    [
        (topic_name, "audio.red", "audio.ready"),
        (stream_name, "documents/1", "document/{document_id}"),
        (moment, "yesterday", "2026-11-27T14:00:00Z"),
        (moment, "2026-01-01T00:00:00", "time zone"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(read, wrong, answer):
    with pytest.raises(argparse.ArgumentTypeError, match=answer.replace("{", r"\{")):
        read(wrong)
