"""Other sites to log in with: which there are, and which are linked to my account."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from libs.common.errors import Unavailable
from services.gateway.accounts.current_caller import CallerId, CallerRoute, OwnSession
from services.gateway.accounts.identities.decide import MOST_IDENTITIES
from services.gateway.accounts.identities.directory import provider_directory
from services.gateway.accounts.identities.identity_rows import IdentityRow
from services.gateway.accounts.identities.logins import ProviderLogins
from services.gateway.accounts.identities.own_identities import OwnIdentities
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.accounts.open_route import OpenRoute
from services.gateway.accounts.own_account import OF_PROOF, OwnAccount, OwnProof
from services.gateway.accounts.passwords.hashing import password_hashing
from services.gateway.accounts.routing.open_routes import Password
from services.gateway.accounts.signing_in.flow_cookies import set_flow_cookie
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.idempotency.repeated_requests import takes_no_key
from services.gateway.http.models import (
    PROBLEMS,
    Limit,
    Listing,
    Place,
    RequestBody,
    listed,
    needs,
    open_to_all,
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.limits import AccountPolicy
from services.gateway.kernel.login_providers import MOST_PROVIDERS
from services.gateway.kernel.views import View

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)
open_router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=OpenRoute)

MANAGES = needs(Capability.MANAGE_ACCOUNT)


class LoginProviderView(View):
    """A site that people can log in with, at ``/login/{name}``."""

    name: str
    label: str = Field(description="As people know it.")


class IdentityView(View):
    """An account at another site that you can log in with."""

    identity_id: UUID
    provider: str | None = Field(description="Null: this site no longer offers it.")
    label: str = Field(description="As people know the other site.")
    created_at: str
    last_used_at: str


class IdentityRequest(RequestBody):
    """Another site that is to be linked."""

    provider: str = Field(max_length=50, description="Its name, as the list of them has it.")
    password: Password | None = Field(default=None, description="Yours. Null, if there is none.")
    next: str | None = Field(
        default=None, max_length=500, description="Path of the page to come back to."
    )


class AuthorizationAddress(View):
    """Where to go on."""

    url: str = Field(description="Address of the other site that the browser is to open.")


def provider_logins(request: Request, deps: Deps) -> ProviderLogins:
    """Return what begins and ends logins with other sites."""
    return ProviderLogins(deps, provider_directory(request.app, deps.accounts))


Logins = Annotated[ProviderLogins, Depends(provider_logins)]


@open_router.get("/login/providers", openapi_extra=open_to_all())
async def login_providers(
    deps: Deps, limit: Limit = MOST_PROVIDERS, cursor: Place = 0
) -> Listing[LoginProviderView]:
    """List the other sites that people can log in with."""
    there = [LoginProviderView(name=one.name, label=one.label) for one in deps.accounts.providers]
    return listed(there, limit, cursor)


@router.get("/account/identities", openapi_extra=MANAGES)
async def identities(
    deps: Deps, caller_id: CallerId, limit: Limit = MOST_IDENTITIES, cursor: Place = 0
) -> Listing[IdentityView]:
    """List the accounts at other sites that you can log in with, oldest first."""
    mine = await OwnIdentities(deps, caller_id).all()
    return listed([identity_view(deps.accounts, one) for one in mine], limit, cursor)


@router.post(
    "/account/identities",
    openapi_extra=declare(
        MANAGES, takes_no_key(), limited(LimitClass.PASSWORD), own_problems(*OF_PROOF)
    ),
)
async def link_identity(
    wanted: IdentityRequest,
    request: Request,
    deps: Deps,
    logins: Logins,
    caller_id: CallerId,
    session: OwnSession,
    response: Response,
) -> AuthorizationAddress:
    """Begin to link another site: go on at the address in the answer, within ten minutes.

    It is linked when you come back from there; a mail says so.
    """
    account = OwnAccount(deps, password_hashing(request.app), caller_id)
    await account.check_own(OwnProof(session=session, password=wanted.password))
    try:
        begun = await logins.begin(wanted.provider, wanted.next, linking=caller_id)
    except BadAnswer as error:
        raise Unavailable(f"another site: {error.why}") from error
    set_flow_cookie(response, deps.accounts, begun.browser)
    return AuthorizationAddress(url=begun.url)


@router.delete(
    "/account/identities/{identity_id}",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra=declare(MANAGES, own_problems("last_login", "session_needed")),
)
async def unlink_identity(
    identity_id: UUID, deps: Deps, caller_id: CallerId, _session: OwnSession
) -> None:
    """Remove another site from your account, if you can log in without it; a mail says so."""
    await OwnIdentities(deps, caller_id).unlink(identity_id)


def identity_view(policy: AccountPolicy, identity: IdentityRow) -> IdentityView:
    """Return an identity as its user sees it."""
    found = [one for one in policy.providers if one.identifier == identity.issuer]
    return IdentityView(
        identity_id=identity.identity_id,
        provider=found[0].name if found else None,
        label=found[0].label if found else identity.issuer,
        created_at=identity.created_at,
        last_used_at=identity.last_used_at,
    )
