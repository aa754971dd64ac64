"""Routes for people who have no credentials yet: they register, log in, or use a link of a mail.

How often one may ask is to be limited here, by address and by where a request comes from: whoever
has no credentials cannot be told apart by them.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.accounts.signing_in.cross_site import check_same_site
from services.gateway.http.models import is_open


class OpenRoute(APIRoute):
    """Serves everybody, and says so; but no page of another site, as if it were somebody else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request.

        Raises:
            TypeError: The route does not declare that it is open.
        """
        answer = super().get_route_handler()
        if not is_open(self.openapi_extra):
            raise TypeError("a route that does not declare that it is open to all")

        async def answer_anybody(request: Request) -> Response:
            check_same_site(request, with_cookie=False)
            return await answer(request)

        return answer_anybody
