"""Arguments of the commands about events: topics, streams and moments."""

import argparse
import re
from datetime import datetime

from libs.common.contracts.catalog import event_by_topic, every_event


def topic_name(text: str) -> str:
    """Return an argument that has to name a topic."""
    if text not in event_by_topic():
        raise argparse.ArgumentTypeError(
            f"there is no topic {text!r}; there are {', '.join(sorted(event_by_topic()))}"
        )
    return text


def stream_name(text: str) -> str:
    """Return an argument that has to name a stream."""
    forms = sorted({event.stream_name for event in every_event()})
    if not any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", form), text) for form in forms):
        raise argparse.ArgumentTypeError(f"{text!r} is no stream; there are {', '.join(forms)}")
    return text


def moment(text: str) -> datetime:
    """Return the moment that an argument names, with a time zone."""
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        named = None
    if named is None or named.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no moment with a time zone, such as 2026-11-27T14:00:00Z"
        )
    return named
