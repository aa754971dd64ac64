"""Errors as RFC 9457 problem details, and which error is which status."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from libs.common.errors import (
    Conflict,
    LecternError,
    ObjectNotFound,
    Rejected,
    Throttled,
    Transient,
    UnknownVersion,
)
from services.gateway.http.problem_details.problem_types import PROBLEM_TYPES, type_uri
from services.gateway.http.problem_details.value_sentences import BROKEN_JSON, sentence
from services.gateway.http.requests.methods import allowed_methods
from services.gateway.http.requests.request_ids import current_request_id
from services.gateway.kernel.errors import (
    AlreadyEnded,
    Forbidden,
    NotFound,
    NothingToRetry,
    NotReady,
    QuotaExceeded,
    Stale,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
MOST_ERRORS = 20
"""Of one request, in the answer to it; the rest is counted."""
MOST_TOLD = 3
"""Of these, in its sentence."""
MOST_SHOWN = 100
"""Characters of a place in a request: names of members are the sender's."""

STATUS: Mapping[type[LecternError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotReady: HTTPStatus.CONFLICT,
    NothingToRetry: HTTPStatus.CONFLICT,
    AlreadyEnded: HTTPStatus.CONFLICT,
    QuotaExceeded: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    Rejected: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Errors whose sentence is meant for the one who asks."""

REJECTED_STATUS = {
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "no_links": HTTPStatus.CONFLICT,
    "last_staff": HTTPStatus.CONFLICT,
}


class Refused(HTTPException):
    """A request that is wrong as HTTP, whatever it asks for.

    FastAPI lets an ``HTTPException`` through where it reads a body, and takes others for its own.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.code = code


def problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """Return a problem; ``code`` is for machines, ``detail`` a sentence for people."""
    kind, request_id = PROBLEM_TYPES.get(code), current_request_id()
    body = {
        "type": type_uri(code),
        "title": kind.title if kind else HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **({"request_id": request_id} if request_id else {}),
        **more,
    }
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def internal_error(trace_id: str | None) -> JSONResponse:
    """Return the answer to a bug: nothing but where to find it in the logs."""
    more: dict[str, Any] = {"trace_id": trace_id} if trace_id else {}
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong on our side; it has been noted.",
        **more,
    )


def add_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every foreseen error with a problem."""
    app.add_exception_handler(LecternError, _lectern_error)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)


async def _lectern_error(request: Request, error: Exception) -> JSONResponse:
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return problem(REJECTED_STATUS.get(error.code, status), error.code, str(error))
    if isinstance(error, Conflict):
        detail = "Somebody else changed it at the same moment; read it again and try again."
        return problem(HTTPStatus.CONFLICT, "conflict", detail)
    if isinstance(error, ObjectNotFound):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such thing any more.")
    if isinstance(error, Transient | UnknownVersion):
        return _later(error)
    raise error  # a bug or a faulty installation: see TracedRequests


def _later(error: LecternError) -> JSONResponse:
    log.warning("request put off", error=type(error).__name__, why=str(error))
    if isinstance(error, Throttled):
        seconds = ceil(error.retry_after_s or RETRY_AFTER_S)
        status, code, detail = HTTPStatus.TOO_MANY_REQUESTS, "throttled", "Too much at a time."
    else:
        seconds, status, code = RETRY_AFTER_S, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
        detail = "Something that is needed does not answer now."
    headers = {"Retry-After": str(seconds)}
    return problem(status, code, f"{detail} Try again in a moment.", headers)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Refused):
        raise TypeError("registered for Refused only")
    return problem(error.status_code, error.code, error.detail, error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for RequestValidationError only")
    errors: Sequence[Any] = error.errors()
    if errors and all(wrong["loc"][:1] == ("path",) for wrong in errors):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such thing.")
    broken = next((wrong for wrong in errors if wrong["type"] == BROKEN_JSON), None)
    if broken is not None:
        return _broken_json(broken["loc"])
    if _is_of_another_type(request, errors):
        detail = "Send JSON, with Content-Type: application/json."
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    found = [
        {"where": ".".join(map(str, wrong["loc"]))[:MOST_SHOWN], "message": sentence(wrong)}
        for wrong in errors[:MOST_ERRORS]
    ]
    said = [f"{wrong['where']}: {wrong['message']}" for wrong in found[:MOST_TOLD]]
    if len(errors) > len(said):
        said.append(f"(and {len(errors) - len(said)} more)")
    detail = " ".join(["The request is not as it must be.", *said])
    left = len(errors) - len(found)
    more: dict[str, Any] = {"more_errors": left} if left else {}
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=found, **more)


def _broken_json(place: Sequence[Any]) -> JSONResponse:
    """Say what is not JSON: the body, perhaps from a character on, or a field of it."""
    last = place[-1]
    if isinstance(last, int):
        detail = f"The body is not JSON: it goes wrong at character {last + 1}."
    else:
        detail = f"{'The body' if last == 'body' else last} is not JSON."
    return problem(HTTPStatus.BAD_REQUEST, "bad_json", detail)


def _is_of_another_type(request: Request, errors: Sequence[Any]) -> bool:
    """Whether a body that should be an object is none because it was not read as JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    no_object = [wrong for wrong in errors if wrong["type"] == "model_attributes_type"]
    return bool(no_object) and not kind.endswith(("/json", "+json"))


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTPException only")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _other_method(request)
    phrase = HTTPStatus(error.status_code).phrase
    detail = f"{phrase}." if error.detail == phrase else str(error.detail)
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        code = "too_large"
    return problem(error.status_code, code, detail, error.headers)


def _other_method(request: Request) -> Response:
    """Answer a method that a path has not, or OPTIONS, which asks for those that it has."""
    allowed = allowed_methods(request.app.routes, request.scope)
    headers = {"Allow": allowed}
    if request.method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    detail = f"This address takes other methods: {allowed}."
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, headers)
