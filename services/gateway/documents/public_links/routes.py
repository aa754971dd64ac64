"""Public links of a document: list, make, revoke; and what a link opens, for who has one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import (
    CallerId,
    CallerRoute,
    CurrentCaller,
    PresentedToken,
)
from services.gateway.documents.public_links.commands import MAX_LABEL_CHARACTERS, LinkCommands
from services.gateway.documents.public_links.queries import LinkQueries
from services.gateway.documents.public_links.views import ListenLinkView, NewListenLinkView
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.views import DocumentView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import LOCATION, declare, own_problems
from services.gateway.http.idempotency.repeated_requests import takes_no_key
from services.gateway.http.models import (
    PROBLEMS,
    Limit,
    Listing,
    Place,
    RequestBody,
    listed,
    needs,
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.errors import NotFound

router = APIRouter(prefix=PREFIX, tags=["links"], responses=PROBLEMS, route_class=CallerRoute)

MANAGE_LINKS = needs(Capability.MANAGE_LINKS)


class ListenLinkRequest(RequestBody):
    """How long a link is to be good for, and what you call it."""

    label: str | None = Field(default=None, max_length=MAX_LABEL_CHARACTERS)
    expires_at: Annotated[
        AwareDatetime | None,
        Field(description="When it ends, within 366 days; null: in 30 days."),
    ] = None


@router.get("/documents/{document_id}/links", openapi_extra=MANAGE_LINKS)
async def list_listen_links(
    document_id: UUID, deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: Place = 0
) -> Listing[ListenLinkView]:
    """List the public links of a document that nobody has revoked, the oldest first."""
    found = await LinkQueries(deps.database).links(caller_id, document_id)
    return listed(found, limit, cursor)


@router.post(
    "/documents/{document_id}/links",
    status_code=201,
    responses={201: {"headers": LOCATION}},
    openapi_extra=declare(
        MANAGE_LINKS,
        limited(LimitClass.SHARE),
        takes_no_key(),
        own_problems("in_the_past", "lasts_too_long", "quota_exceeded", "conflict"),
    ),
)
async def make_listen_link(
    document_id: UUID,
    wanted: ListenLinkRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    given: PresentedToken,
) -> NewListenLinkView:
    """Make a public link. Its secret is a bearer token for this document, and shown this once."""
    link_id, secret = await LinkCommands(deps, given.maker).make(
        caller_id, document_id, wanted.label, wanted.expires_at
    )
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}/links/{link_id}"
    made = await LinkQueries(deps.database).link(caller_id, document_id, link_id)
    return NewListenLinkView(**dict(made), secret=secret)


@router.get("/documents/{document_id}/links/{link_id}", openapi_extra=MANAGE_LINKS)
async def read_listen_link(
    document_id: UUID, link_id: UUID, deps: Deps, caller_id: CallerId
) -> ListenLinkView:
    """Read one public link; its secret cannot be shown again."""
    return await LinkQueries(deps.database).link(caller_id, document_id, link_id)


@router.delete(
    "/documents/{document_id}/links/{link_id}",
    status_code=204,
    openapi_extra=declare(MANAGE_LINKS, own_problems("conflict")),
)
async def revoke_listen_link(
    document_id: UUID, link_id: UUID, deps: Deps, caller_id: CallerId
) -> None:
    """Revoke a public link: it opens nothing from the next request on."""
    await LinkCommands(deps).revoke(caller_id, document_id, link_id)


@router.get(
    "/listen", openapi_extra=declare(needs(Capability.SEE_DOCUMENT), own_problems("not_found"))
)
async def read_linked_document(deps: Deps, found: CurrentCaller) -> DocumentView:
    """Read the document that a public link opens, with the link's secret as the bearer token.

    To all other tokens there is none.
    """
    caller = found.caller
    if caller.document_id is None:
        raise NotFound("document")
    return await DocumentQueries(deps.database).document(caller.user_id, caller.document_id)
