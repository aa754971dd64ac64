"""My account: who I am, my password, my mail addresses."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from starlette.requests import Request

from libs.common.contracts.permissions import Capability
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.commands import NewPassword
from services.gateway.accounts.current_caller import (
    CallerId,
    CallerRoute,
    OwnSession,
    known_callers,
)
from services.gateway.accounts.own_account import OF_PROOF, OwnAccount, OwnProof
from services.gateway.accounts.passwords.hashing import password_hashing
from services.gateway.accounts.routing.open_routes import Address, Password
from services.gateway.accounts.signing_in.session_cookies import (
    drop_session_cookie,
    set_session_cookie,
)
from services.gateway.accounts.users import MOST_ADDRESSES
from services.gateway.accounts.views import AccountView, AddressView, address_view
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
)
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=CallerRoute)

MANAGES = needs(Capability.MANAGE_ACCOUNT)
NO_CONTENT = HTTPStatus.NO_CONTENT


def own_account(request: Request, deps: Deps, caller_id: CallerId) -> OwnAccount:
    """Return what the caller can do about their account."""
    return OwnAccount(deps, password_hashing(request.app), caller_id)


Mine = Annotated[OwnAccount, Depends(own_account)]


class PasswordChange(RequestBody):
    """A new password."""

    current: Password | None = Field(default=None, description="Null, if there is none yet.")
    password: Password
    password_again: Password


class OwnPassword(RequestBody):
    """That somebody is who they are. Without a password, a login of a moment ago says so."""

    password: Password | None = Field(default=None, description="Null, if there is none.")


class AddressRequest(OwnPassword):
    """An address that is to be added."""

    address: Address


@router.get("/account", openapi_extra=declare(MANAGES, own_problems("not_found")))
async def account(mine: Mine) -> AccountView:
    """Read what is known of you."""
    user = await mine.user()
    return AccountView(
        user_id=user.user_id,
        address=user.address,
        language=user.language,
        is_staff=user.is_staff,
        has_password=user.hash is not None,
        created_at=user.created_at,
    )


@router.put(
    "/account/password",
    status_code=NO_CONTENT,
    openapi_extra=declare(
        MANAGES,
        limited(LimitClass.PASSWORD),
        own_problems(*OF_PROOF, "weak_password", "passwords_differ"),
    ),
)
async def change_password(
    wanted: PasswordChange, request: Request, deps: Deps, mine: Mine, session: OwnSession
) -> Response:
    """Set a password. All other sessions end, this one gets a new cookie, and a mail says so."""
    chosen = NewPassword(password=wanted.password, again=wanted.password_again)
    proof = OwnProof(session=session, password=wanted.current)
    renewed = await mine.change_password(proof, chosen)
    known_callers(request.app).forget(mine.user_id)
    answer = Response(status_code=NO_CONTENT)
    set_session_cookie(answer, deps.accounts, renewed.secret, renewed.lasts)
    return answer


@router.post(
    "/account/deletion",
    status_code=NO_CONTENT,
    openapi_extra=declare(
        MANAGES, limited(LimitClass.PASSWORD), takes_no_key(), own_problems(*OF_PROOF)
    ),
)
async def delete_account(
    wanted: OwnPassword, request: Request, deps: Deps, mine: Mine, session: OwnSession
) -> Response:
    """Delete your account with all documents, sessions and tokens. It cannot be undone."""
    await mine.check_own(OwnProof(session=session, password=wanted.password))
    await AccountClosing(deps).delete(mine.user_id, mine.user_id)
    known_callers(request.app).forget(mine.user_id)
    answer = Response(status_code=NO_CONTENT)
    drop_session_cookie(answer, deps.accounts)
    return answer


@router.get("/account/addresses", openapi_extra=MANAGES)
async def addresses(
    mine: Mine, limit: Limit = MOST_ADDRESSES, cursor: Place = 0
) -> Listing[AddressView]:
    """List your mail addresses, oldest first; one that was not confirmed is not there yet."""
    return listed([address_view(one) for one in await mine.addresses()], limit, cursor)


@router.post(
    "/account/addresses",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=declare(
        MANAGES,
        limited(LimitClass.PASSWORD, LimitClass.ADDRESS),
        takes_no_key(),
        own_problems(*OF_PROOF, "bad_address", "no_mail"),
    ),
)
async def add_address(wanted: AddressRequest, mine: Mine, session: OwnSession) -> None:
    """Add a mail address: a mail goes there, and its link adds it."""
    proof = OwnProof(session=session, password=wanted.password)
    await mine.add_address(wanted.address, proof)


@router.post(
    "/account/addresses/{address_id}/primary",
    status_code=NO_CONTENT,
    openapi_extra=declare(
        MANAGES, limited(LimitClass.PASSWORD), takes_no_key(), own_problems(*OF_PROOF)
    ),
)
async def make_primary(
    address_id: UUID, wanted: OwnPassword, mine: Mine, session: OwnSession
) -> None:
    """Have mails go to this address; a mail to the one of before says so."""
    proof = OwnProof(session=session, password=wanted.password)
    await mine.make_primary(address_id, proof)


@router.delete(
    "/account/addresses/{address_id}",
    status_code=NO_CONTENT,
    openapi_extra=declare(MANAGES, own_problems("primary_address", "session_needed")),
)
async def remove_address(address_id: UUID, mine: Mine, _session: OwnSession) -> None:
    """Remove a mail address, if it is not the one that mails go to."""
    await mine.remove_address(address_id)
