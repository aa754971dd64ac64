"""What a speech server answers instead of audio, in our words.

The body of an answer may quote our key, so only the ``code`` in it is looked at, never shown.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from libs.common.errors import LecternError, Throttled, Unavailable
from services.synth.engines.port import EngineBroken, EngineDenied, SpeechRejected

LONGEST_WAIT_S = 3600.0
"""Whoever asks for more is asked again after that."""

_DENIED = frozenset({401, 402, 403})
_LATER = frozenset({408, 409, 425})
_TOO_LARGE, _TOO_MANY, _SERVER_ERROR = 413, 429, 500
_UNPROCESSABLE = frozenset({400, 422})
# OpenAI answers 429 also when the account has no money left, which waiting does not mend.
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def explain(status: int, headers: Mapping[str, str], body: bytes) -> LecternError:
    """Say in our words what an answer other than 200 means."""
    if status == _TOO_MANY and _code(body) not in _NO_MONEY:
        return Throttled("the speech server asks us to slow down", _retry_after_s(headers))
    if status in _DENIED or status == _TOO_MANY:
        return EngineDenied(f"the speech server refuses our key or plan (HTTP {status})")
    if status >= _SERVER_ERROR or status in _LATER:
        return Unavailable(f"the speech server failed (HTTP {status})")
    if status == _TOO_LARGE:
        return SpeechRejected(
            "text_too_long", "A passage is too long for the speech server; split the sentence."
        )
    if status in _UNPROCESSABLE:
        return SpeechRejected(
            "speech_refused",
            "The speech server refuses the voice or the text; choose another voice or change the "
            "sentence.",
        )
    return EngineBroken(f"the speech server does not know this request (HTTP {status})")


def _code(body: bytes) -> str:
    try:
        found = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(found)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return None if math.isnan(seconds) else min(max(0.0, seconds), LONGEST_WAIT_S)
