"""How you like to hear: read it, change it."""

from fastapi import APIRouter
from pydantic import Field

from libs.common.contracts.identifiers import Language
from libs.common.contracts.permissions import Capability
from services.gateway.accounts.current_caller import CallerId, CallerRoute
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.models import PROBLEMS, RequestBody, needs
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.preferences.commands import PreferenceCommands
from services.gateway.preferences.rates import SteppedRate
from services.gateway.preferences.rows import PreferencesView

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)


class PreferenceChange(RequestBody):
    """What you prefer from now on: fields that are left out stay, null is no preference."""

    engine: str | None = Field(default=None, max_length=50)
    voice: str | None = Field(default=None, max_length=200)
    rate: SteppedRate | None = None
    language: Language | None = Field(default=None, max_length=50)


@router.get("/preferences", openapi_extra=needs(Capability.SEE_PREFERENCES))
async def read_preferences(deps: Deps, caller_id: CallerId) -> PreferencesView:
    """Read how you like to hear."""
    return await PreferenceCommands(deps).read(caller_id)


@router.patch(
    "/preferences",
    openapi_extra=declare(
        needs(Capability.CHANGE_PREFERENCES),
        limited(LimitClass.EDIT),
        own_problems("unknown_engine", "unknown_voice", "not_found"),
    ),
)
async def change_preferences(
    wanted: PreferenceChange, deps: Deps, caller_id: CallerId
) -> PreferencesView:
    """Change how you like to hear. A voice without an engine is looked for in all of them."""
    return await PreferenceCommands(deps).change(caller_id, wanted.model_dump(exclude_unset=True))
