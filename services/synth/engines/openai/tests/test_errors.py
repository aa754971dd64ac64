from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from libs.common.errors import Throttled, Unavailable
from services.synth.engines.openai.errors import explain
from services.synth.engines.port import EngineBroken, EngineDenied, SpeechRejected


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"{}", SpeechRejected),
        (401, b'{"error": {"message": "Incorrect API key provided: sk-S3CRET"}}', EngineDenied),
        (402, b"", EngineDenied),
        (403, b"", EngineDenied),
        (404, b"<html>", EngineBroken),
        (301, b"", EngineBroken),
        (408, b"", Unavailable),
        (413, b"", SpeechRejected),
        (422, b"[]", SpeechRejected),
        (429, b"", Throttled),
        (429, b'{"error": {"code": "rate_limit_exceeded"}}', Throttled),
        (429, b'{"error": {"code": "insufficient_quota"}}', EngineDenied),
        (429, b'{"error": "busy"}', Throttled),
        (500, b"", Unavailable),
        (503, b"", Unavailable),
        (529, b"", Unavailable),
    ],
)
def test_answers(status, body, kind):
    error = explain(status, {}, body)
    assert type(error) is kind
    assert "S3CRET" not in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
        ("inf", 3600.0),
        ("1e12", 3600.0),
        ("nan", None),
    ],
)
def test_retry_after_in_seconds(value, seconds):
    error = explain(429, {"retry-after": value}, b"")
    assert isinstance(error, Throttled)
    assert error.retry_after_s == seconds


def test_retry_after_as_a_date():
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = explain(429, {"retry-after": when}, b"")
    assert isinstance(error, Throttled)
    assert error.retry_after_s == pytest.approx(60, abs=5)
