"""What routes declare of their answers, beside the models that they return.

A route lists the problems of its own in ``openapi_extra``, beside its capability; those that follow
from its method, its parameters and its body are added to the document by :mod:`.openapi`.
"""

from collections.abc import Mapping
from typing import Any

from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES

PROBLEM_CODES = "x-problems"

Responses = dict[int | str, dict[str, Any]]

_TEXT = {"type": "string"}
LOCATION = {"Location": {"description": "Where it is.", "schema": _TEXT}}
ETAG = {"ETag": {"description": "Of what is answered, to be sent as a condition.", "schema": _TEXT}}
_RANGES = {"Accept-Ranges": {"description": "bytes: parts may be asked for.", "schema": _TEXT}}
_NAMED = {"Content-Disposition": {"description": "A name for the file.", "schema": _TEXT}}
_PART = {"Content-Range": {"description": "Which bytes these are, of how many.", "schema": _TEXT}}
_REDIRECT: Responses = {
    307: {
        "description": "Where it is, for a short time; some sites answer so. Send Range there, "
        "and no credentials.",
        "headers": {
            "Location": {
                "description": "A signed URL: whoever has it gets the file until it ends.",
                "schema": {"type": "string", "format": "uri"},
            }
        },
    }
}

JSON = "application/json"
_JSON = {"type": "object"}
_BYTES = {"type": "string", "format": "binary"}

CONDITIONS = {
    "If-Match": "The ETags that it has to be one of; else 412.",
    "Range": "One range of bytes, such as bytes=0-1023; others are answered with the whole.",
    "If-Range": "The ETag that the part has to be of; else the whole is answered.",
    "If-None-Match": "The ETags that are known; 304 if it is one of them.",
}


def own_problems(*codes: str) -> dict[str, Any]:
    """Declare, in ``openapi_extra``, the problems that only a few routes have.

    Raises:
        KeyError: One is not explained anywhere.
    """
    return {PROBLEM_CODES: [PROBLEM_TYPES[code].code for code in codes]}


def file_answers(*media_types: str, named: bool = False, delivered: bool = False) -> Responses:
    """Declare what :func:`~services.gateway.http.downloads.send_object` answers.

    ``delivered``: what :func:`~services.gateway.http.delivery.signed_delivery.deliver` does.
    """
    kinds = [kind.partition(";")[0] for kind in media_types]
    content = {kind: {"schema": dict(_JSON if kind == JSON else _BYTES)} for kind in kinds}
    answers = _partial(content, {**ETAG, **_RANGES, **(_NAMED if named else {})})
    return {**answers, **(_REDIRECT if delivered else {})}


def _partial(content: Mapping[str, Any], headers: Mapping[str, Any]) -> Responses:
    return {
        200: {"description": "The whole.", "content": content, "headers": headers},
        206: {"description": "A part.", "content": content, "headers": {**headers, **_PART}},
        304: {"description": "It is what is known already.", "headers": dict(ETAG)},
    }


def file_conditions() -> dict[str, Any]:
    """Declare, in ``openapi_extra``, the headers with which parts of a file are asked for."""
    parameters = [
        {"name": name, "in": "header", "required": False, "description": said, "schema": _TEXT}
        for name, said in CONDITIONS.items()
    ]
    return {"parameters": parameters, **own_problems("bad_range", "stale")}


def declare(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return several declarations for ``openapi_extra`` as one; their problems are added up."""
    whole: dict[str, Any] = {}
    for part in parts:
        codes = [*whole.get(PROBLEM_CODES, ()), *part.get(PROBLEM_CODES, ())]
        whole |= {**part, PROBLEM_CODES: codes}
    return whole
