"""Documents as a whole: rename, read again."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.upkeep.commands import UpkeepCommands
from services.gateway.documents.views import DocumentView
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import (
    ETAG,
    LOCATION,
    declare,
    own_problems,
)
from services.gateway.http.etags import IfMatch, etag_of, named_revision
from services.gateway.http.models import PROBLEMS, RequestBody, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited

router = APIRouter(prefix=PREFIX, tags=["documents"], responses=PROBLEMS, route_class=CallerRoute)

LONGEST_SENT = 1000


class RenameRequest(RequestBody):
    """What a document is called from now on."""

    checked_elsewhere = frozenset({"title"})

    title: str = Field(max_length=LONGEST_SENT)


@router.patch(
    "/documents/{document_id}",
    responses={200: {"headers": ETAG}},
    openapi_extra=declare(
        needs(Capability.RENAME),
        limited(LimitClass.EDIT),
        own_problems("revision_required", "stale", "bad_title"),
    ),
)
async def rename_document(
    document_id: UUID,
    asked: RenameRequest,
    response: Response,
    deps: Deps,
    caller_id: CallerId,
    if_match: IfMatch = None,
) -> DocumentView:
    """Give a document another title. If-Match names the revision that was seen, as its ETag did."""
    revision = named_revision(if_match)
    await UpkeepCommands(deps).rename(caller_id, document_id, asked.title, revision)
    view = await DocumentQueries(deps.database).document(caller_id, document_id)
    response.headers["ETag"] = etag_of(view.revision)
    return view


@router.post(
    "/documents/{document_id}/parsing",
    status_code=202,
    responses={202: {"headers": LOCATION}},
    openapi_extra=declare(
        needs(Capability.RETRY_PARSING),
        limited(LimitClass.UPLOAD),
        own_problems("nothing_to_retry"),
    ),
)
async def retry_parsing(
    document_id: UUID, response: Response, deps: Deps, caller_id: CallerId
) -> DocumentView:
    """Have a document read again that could not be read."""
    await UpkeepCommands(deps).retry_parsing(caller_id, document_id)
    response.headers["Location"] = f"{PREFIX}/documents/{document_id}"
    return await DocumentQueries(deps.database).document(caller_id, document_id)
