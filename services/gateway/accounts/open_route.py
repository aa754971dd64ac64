"""Routes for people who have no credentials yet: they register, log in, or use a link of a mail.

How often one may ask is limited here by where a request comes from: whoever has no credentials
cannot be told apart by them. Routes that take a mail address limit that as well, or one account
could be guessed at from a thousand places.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.accounts.addresses import folded
from services.gateway.accounts.signing_in.cross_site import (
    check_same_site,
    is_part_of_another_site,
)
from services.gateway.http.admission import belongs_to_nobody
from services.gateway.http.models import is_open
from services.gateway.http.ratelimit.limit_classes import limits_of
from services.gateway.http.ratelimit.limited_requests import spend_of_client, spend_of_mailbox


class OpenRoute(APIRoute):
    """Serves everybody, and says so; but no page of another site, as if it were somebody else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request.

        It counts with those of strangers, whatever credentials come with it.

        Raises:
            TypeError: The route does not declare that it is open.
        """
        answer = super().get_route_handler()
        if not is_open(self.openapi_extra):
            raise TypeError("a route that does not declare that it is open to all")

        limits = limits_of(self.openapi_extra)

        async def answer_anybody(request: Request) -> Response:
            belongs_to_nobody(request.scope)
            check_same_site(request, with_cookie=False)
            for limit in () if is_part_of_another_site(request) else limits:
                await spend_of_client(request.scope, limit)
            return await answer(request)

        return answer_anybody


async def limit_mailbox(request: Request, address: str) -> None:
    """Count a request with a mail address as what its route declares, whoever has the address.

    Raises:
        Refused: There were too many.
    """
    for limit in limits_of(request.scope["route"].openapi_extra):
        await spend_of_mailbox(request.scope, limit, folded(address))
