"""The problems that an operation may answer with: its own, and those that follow from its kind."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES, ProblemType
from services.gateway.http.problems import MEDIA_TYPE

ALWAYS = (
    "unauthorized",
    "forbidden",
    "insufficient_scope",
    "unknown_parameter",
    "too_many_requests",
    "throttled",
    "internal",
    "unavailable",
)
OF_PATH = ("not_found",)
OF_PARAMETERS = ("invalid",)
OF_BODY = (
    "bad_request",
    "bad_json",
    "bad_encoding",
    "request_timeout",
    "too_large",
    "unsupported_media_type",
    "invalid",
    "too_complex",
)
OF_CHANGES = ("conflict",)
_SCHEMA = {"$ref": "#/components/schemas/ProblemModel"}
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
_CHALLENGE = {"WWW-Authenticate": {"description": "What is lacking.", "schema": {"type": "string"}}}
_SIZE = {"Content-Range": {"description": "How many there are.", "schema": {"type": "string"}}}
HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: _CHALLENGE,
    416: _SIZE,
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def problem_responses(operation: Mapping[str, Any], own: Sequence[str]) -> dict[str, Any]:
    """Return the responses of an operation that are problems, by status."""
    by_status: dict[int, list[ProblemType]] = defaultdict(list)
    for code in dict.fromkeys([*own, *_implied(operation)]):
        kind = PROBLEM_TYPES[code]
        by_status[kind.status].append(kind)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def _implied(operation: Mapping[str, Any]) -> Iterator[str]:
    yield from ALWAYS
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "path" in places:
        yield from OF_PATH
    if "query" in places:
        yield from OF_PARAMETERS
    if "requestBody" in operation:
        yield from OF_BODY
    if "requestBody" in operation or "204" in operation["responses"]:
        yield from OF_CHANGES


def _response(status: int, kinds: Sequence[ProblemType]) -> dict[str, Any]:
    listed = "; ".join(f"`{kind.code}`: {kind.title.lower()}" for kind in kinds)
    examples = {kind.code: {"summary": kind.title, "value": _example(kind)} for kind in kinds}
    return {
        "description": f"{listed}.",
        "headers": dict(HEADERS.get(status, {})),
        "content": {MEDIA_TYPE: {"schema": _SCHEMA, "examples": examples}},
    }


def _example(kind: ProblemType) -> dict[str, Any]:
    return {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning.replace("`", ""),
        "code": kind.code,
        "request_id": "5f0c6f1d2b7e4c0f9a3b1d8e7c6a5b4d",
    }
