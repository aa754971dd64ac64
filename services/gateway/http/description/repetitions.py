"""Describes the header Idempotency-Key: which routes take it, and what they answer."""

from collections.abc import Sequence
from typing import Any

from services.gateway.http.idempotency.repeated_requests import (
    HEADER,
    LONGEST_KEY,
    REPLAYED,
    refuses_key,
)

PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Made up by you, and kept for 24 hours: the request is carried out once, "
    "however often it is sent with this key.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}
REPLAYED_HEADER = {
    REPLAYED: {
        "description": "true, if this was the answer to an earlier request with the same key.",
        "schema": {"type": "string"},
    }
}
PROBLEMS_OF_KEYS = (
    "bad_idempotency_key",
    "idempotency_answer_lost",
    "idempotency_in_flight",
    "idempotency_key_reused",
)


def idempotency_problems(operation: dict[str, Any]) -> Sequence[str]:
    """Add the header to a POST operation, if it takes it; return the problems that follow."""
    if refuses_key(operation):
        return ["idempotency_unsupported"]
    operation["parameters"] = [*operation.get("parameters", ()), PARAMETER]
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer["headers"] = {**answer.get("headers", {}), **REPLAYED_HEADER}
    return PROBLEMS_OF_KEYS
