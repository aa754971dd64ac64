"""Query parameters that a route does not know are refused: a misspelled one would change nothing.

GET /api/v1/documents?limitt=10    422, and a sentence with the names that there are
"""

from collections.abc import Collection, Iterator
from http import HTTPStatus

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from services.gateway.http.problems import Refused

ANY_NAMES = {"x-any-query-names": True}
"""In ``openapi_extra`` of a route: another site says what is in the query, and may say more."""

MOST_SHOWN = 5
LONGEST_SHOWN = 50


async def only_known_names(request: Request) -> None:
    """Let a request pass if its route knows all names in its query; a dependency of all routes.

    Raises:
        Refused: It does not know one.
    """
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    if not ANY_NAMES.items() <= (route.openapi_extra or {}).items():
        check_names(request, set(_names(route.dependant)))


def check_names(request: Request, known: Collection[str] = ()) -> None:
    """Let a request pass if ``known`` has all names in its query.

    Raises:
        Refused: One is not there.
    """
    unknown = [name for name in request.query_params if name not in known]
    if not unknown:
        return
    shown = ", ".join(repr(name[:LONGEST_SHOWN]) for name in unknown[:MOST_SHOWN])
    advice = f"There are: {', '.join(sorted(known))}." if known else "There are none."
    detail = f"This address has no query parameter {shown}. {advice}"
    raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_parameter", detail)


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for below in dependant.dependencies:
        yield from _names(below)
