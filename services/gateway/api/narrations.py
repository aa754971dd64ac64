"""Narrations: order audio of pages, and see how far it is."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.gateway.api.context import PREFIX, Context, Needs, Who
from services.gateway.api.models import PROBLEMS, EngineModel, Listing, NarrationModel
from services.gateway.api.orders import AudiobookRequest, NarrationRequest
from services.gateway.commands import Order

router = APIRouter(prefix=PREFIX, tags=["narrations"], responses=PROBLEMS)


@router.get("/voices")
async def voices(context: Needs, caller: Who) -> Listing[EngineModel]:
    """List engines and their voices; the engine that is used by default comes first."""
    found = await context.queries.voices()
    return Listing[EngineModel](items=[EngineModel.model_validate(each) for each in found])


@router.post("/documents/{document_id}/narrations", status_code=202)
async def order(
    document_id: UUID, asked: NarrationRequest, response: Response, context: Needs, caller: Who
) -> NarrationModel:
    """Order audio of some pages or of all, and perhaps an audiobook of them."""
    return await _narrate(context, caller, document_id, asked.order(), response)


@router.post("/documents/{document_id}/audiobook", status_code=202)
async def order_audiobook(
    document_id: UUID,
    response: Response,
    context: Needs,
    caller: Who,
    asked: AudiobookRequest | None = None,
) -> NarrationModel:
    """Order the whole document as one file."""
    wanted = (asked or AudiobookRequest()).order()
    return await _narrate(context, caller, document_id, wanted, response)


@router.get("/documents/{document_id}/narrations")
async def listing(document_id: UUID, context: Needs, caller: Who) -> Listing[NarrationModel]:
    """List the narrations of a document, newest first."""
    found = await context.queries.narrations(caller, document_id)
    return Listing[NarrationModel](items=[NarrationModel.model_validate(each) for each in found])


@router.get("/narrations/{narration_id}")
async def narration(narration_id: UUID, context: Needs, caller: Who) -> NarrationModel:
    """Read how far a narration is."""
    return NarrationModel.model_validate(await context.queries.narration(caller, narration_id))


async def _narrate(
    context: Context, caller: UUID, document_id: UUID, wanted: Order, response: Response
) -> NarrationModel:
    narration_id = await context.commands.narrate(caller, document_id, wanted)
    response.headers["Location"] = f"{PREFIX}/narrations/{narration_id}"
    return NarrationModel.model_validate(await context.queries.narration(caller, narration_id))
