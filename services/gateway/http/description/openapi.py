"""Completes what FastAPI makes of the routes: problems, headers, HEAD, tags, servers, license."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.http.description.declared import PROBLEM_CODES
from services.gateway.http.description.problem_responses import problem_responses
from services.gateway.http.description.repetitions import idempotency_problems
from services.gateway.http.models import is_open
from services.gateway.http.ratelimit.limit_classes import LIMIT_CLASSES
from services.gateway.http.ratelimit.limited_requests import HEADERS as SHARES

VERSION = "3.1.1"
SUMMARY = "Turns documents into audio."
DESCRIPTION = """\
Hand in a document, ask for a narration of it, and listen to its pages or download an audiobook.

- Errors are problem details (RFC 9457) with the media type `application/problem+json`. `code` is
  for programs; `type` leads to an explanation.
- Moments are in UTC, as in RFC 3339. Ids are UUIDs.
- A list answers `items` and `next`; send `next` as `cursor` for more, until it is null.
- Every answer has an `X-Request-Id`, by which an operator finds it in the logs.
- HEAD is answered wherever GET is, and unknown query parameters are refused.
"""
LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
TAGS = {
    "documents": "What is handed in: files, texts and web addresses.",
    "pages": "The text of documents, page by page, to be read and edited.",
    "shares": "Who may see a document of somebody else, or do more with it.",
    "links": "Public links: whoever has one may listen, without an account.",
    "narrations": "Orders: which pages are to be heard, and how.",
    "accounts": "Users: registering, sessions, tokens, passwords and mail addresses.",
    "staff": "What the staff of the site does about its users.",
    "audio": "What can be heard: engines, voices, pages and audiobooks.",
}
"""Each tag that a route has; a test asks for those that lack."""
EVENT_STREAM = "text/event-stream"
REDIRECTED = "307"
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')
REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}


def openapi_document(app: FastAPI, server: str) -> dict[str, Any]:
    """Return the whole document; it takes some 0.4 s.

    ``server`` is the address that paths are below.
    """
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=VERSION,
        summary=SUMMARY,
        description=DESCRIPTION,
        routes=app.routes,
        license_info=LICENSE,
        servers=[{"url": server}],
        tags=[{"name": name, "description": said} for name, said in TAGS.items()],
    )
    for method, operation in _operations(made["paths"]):
        _complete(method, operation)
    for item in made["paths"].values():
        if "get" in item:
            item["head"] = _as_head(item["get"])
    _drop_unused(made)
    made["components"]["headers"] = {
        "RequestId": {
            "description": "The id of this request, in our logs and in problems.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
        }
    }
    return made


def _drop_unused(made: dict[str, Any]) -> None:
    """Leave out schemas that only fields refer to which no answer shows."""
    schemas = made["components"]["schemas"]
    while unused := schemas.keys() - set(_REFERENCE.findall(json.dumps(made))):
        for name in unused:
            del schemas[name]


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in paths.values():
        yield from item.items()


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Put in the problems that a route may answer with, and the headers of all its answers."""
    own = operation.pop(PROBLEM_CODES, [])
    told = REQUEST_ID
    if LIMIT_CLASSES in operation:
        own, told = [*own, "rate_limited"], {**REQUEST_ID, **SHARES}
    if method == "post" and not is_open(operation):
        own = [*own, *idempotency_problems(operation)]
    declared = operation["responses"]
    answers = {status: said for status, said in declared.items() if status[0] in "123"}
    answers |= problem_responses(operation, own)
    for answer in answers.values():
        # FastAPI merges the payloads into the schema of the text: no text could be one of them.
        if EVENT_STREAM in answer.get("content", {}):
            answer["content"][EVENT_STREAM]["schema"] = {"type": "string"}
        answer["headers"] = {**answer.get("headers", {}), **told}
    operation["responses"] = answers


def _as_head(operation: Mapping[str, Any]) -> dict[str, Any]:
    head = deepcopy(dict(operation))
    head["operationId"] = f"head_{operation['operationId']}"
    head["summary"] = f"{operation['summary']}: headers only"
    head["description"] = "Answers what GET would, without its body."
    head["responses"].pop(REDIRECTED, None)  # signed URLs are for GET
    for answer in head["responses"].values():
        answer.pop("content", None)
    return head
