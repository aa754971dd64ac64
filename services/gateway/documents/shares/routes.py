"""Shares of a document: list, grant, change, revoke, leave."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field
from starlette.requests import Request

from libs.common.contracts.details import MAX_MESSAGE_CHARACTERS
from libs.common.contracts.permissions import Capability, ShareLevel
from services.gateway.accounts.addresses import MOST_CHARACTERS
from services.gateway.accounts.current_caller import CallerId, CallerRoute, PresentedToken
from services.gateway.accounts.open_route import limit_mailbox
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.documents.shares.queries import ShareQueries
from services.gateway.documents.shares.views import SharedDocumentView, ShareView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import (
    ETAG,
    LOCATION,
    Responses,
    declare,
    own_problems,
)
from services.gateway.http.etags import IfMatch, etag_of
from services.gateway.http.models import (
    PROBLEMS,
    Behind,
    Limit,
    Listing,
    Newest,
    Place,
    RequestBody,
    listed,
    needs,
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.record import Kernel

router = APIRouter(prefix=PREFIX, tags=["shares"], responses=PROBLEMS, route_class=CallerRoute)

WITH_ETAG: Responses = {200: {"headers": ETAG}}
End = Annotated[AwareDatetime | None, Field(description="When it ends; null: never.")]


class ChangeShareRequest(RequestBody):
    """What a share grants from now on, and until when."""

    level: ShareLevel = ShareLevel.VIEW_ONLY
    expires_at: End = None

    def end(self) -> datetime | None:
        """Return when it ends."""
        return self.expires_at


class GrantShareRequest(ChangeShareRequest):
    """Whom a document is shared with. Who has no account yet is invited."""

    address: str = Field(max_length=MOST_CHARACTERS, description="Mail address.")
    message: str | None = Field(default=None, max_length=MAX_MESSAGE_CHARACTERS)


@router.get("/documents/{document_id}/shares", openapi_extra=needs(Capability.LIST_SHARES))
async def list_shares(
    document_id: UUID, deps: Deps, caller_id: CallerId, limit: Limit = 100, cursor: Place = 0
) -> Listing[ShareView]:
    """List whom a document is shared with, the oldest first."""
    found = await ShareQueries(deps.database).shares(caller_id, document_id)
    return listed(found, limit, cursor)


@router.post(
    "/documents/{document_id}/shares",
    status_code=201,
    responses={201: {"headers": LOCATION | ETAG}},
    openapi_extra=declare(
        needs(Capability.GRANT_SHARE),
        limited(LimitClass.SHARE),
        own_problems(
            "bad_address", "owns_it", "already_shared", "in_the_past", "too_late", "conflict"
        ),
    ),
)
async def grant_share(
    document_id: UUID,
    asked: GrantShareRequest,
    response: Response,
    request: Request,
    deps: Deps,
    caller_id: CallerId,
    given: PresentedToken,
) -> ShareView:
    """Share a document by mail address."""
    await limit_mailbox(request, asked.address)  # each share is a mail to it
    order = ShareOrder(
        address=asked.address, level=asked.level, expires_at=asked.end(), message=asked.message
    )
    share_id = await ShareCommands(deps, given.maker).grant(caller_id, document_id, order)
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}/shares/{share_id}"
    return await _share(deps, caller_id, document_id, share_id, response)


@router.get(
    "/documents/{document_id}/shares/{share_id}",
    responses=WITH_ETAG,
    openapi_extra=needs(Capability.LIST_SHARES),
)
async def read_share(
    document_id: UUID, share_id: UUID, response: Response, deps: Deps, caller_id: CallerId
) -> ShareView:
    """Read one share. The ETag is the version of all shares of the document."""
    return await _share(deps, caller_id, document_id, share_id, response)


@router.patch(
    "/documents/{document_id}/shares/{share_id}",
    responses=WITH_ETAG,
    openapi_extra=declare(
        needs(Capability.CHANGE_SHARE),
        limited(LimitClass.SHARE),
        own_problems("in_the_past", "too_late", "conflict", "stale"),
    ),
)
async def change_share(
    document_id: UUID,
    share_id: UUID,
    asked: ChangeShareRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    given: PresentedToken,
    if_match: IfMatch = None,
) -> ShareView:
    """Have a share grant something else, or end at another time.

    With If-Match, only if nobody has changed a share of the document since.
    """
    await ShareCommands(deps, given.maker).change(
        caller_id,
        document_id,
        share_id,
        level=asked.level,
        expires_at=asked.end(),
        if_match=if_match,
    )
    return await _share(deps, caller_id, document_id, share_id, response)


@router.delete(
    "/documents/{document_id}/shares/{share_id}",
    status_code=204,
    openapi_extra=declare(needs(Capability.CHANGE_SHARE), own_problems("conflict", "stale")),
)
async def revoke_share(
    document_id: UUID, share_id: UUID, deps: Deps, caller_id: CallerId, if_match: IfMatch = None
) -> None:
    """Revoke a share. With If-Match, only if nobody has changed one of the document since."""
    await ShareCommands(deps).revoke(caller_id, document_id, share_id, if_match)


@router.get(
    "/shared",
    openapi_extra=declare(needs(Capability.LIST_DOCUMENTS), own_problems("bad_cursor")),
)
async def list_shared_documents(
    deps: Deps,
    caller_id: CallerId,
    limit: Newest = 50,
    cursor: Behind = None,
) -> Listing[SharedDocumentView]:
    """List what others share with you, submitted last first."""
    found = await ShareQueries(deps.database).shared(caller_id, limit, cursor)
    return Listing[SharedDocumentView](items=found.items, next=found.following)


@router.delete(
    "/shared/{document_id}",
    status_code=204,
    openapi_extra=declare(needs(Capability.LEAVE_SHARE), own_problems("conflict")),
)
async def leave_share(document_id: UUID, deps: Deps, caller_id: CallerId) -> None:
    """Give up what somebody shared with you."""
    await ShareCommands(deps).leave(caller_id, document_id)


async def _share(
    kernel: Kernel, caller_id: UUID, document_id: UUID, share_id: UUID, response: Response
) -> ShareView:
    view, version = await ShareQueries(kernel.database).share(caller_id, document_id, share_id)
    response.headers["ETag"] = etag_of(version)
    return view
