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
    CurrentCaller,
    known_callers,
)
from services.gateway.accounts.own_account import MOST_ADDRESSES, OwnAccount
from services.gateway.accounts.passwords.hashing import password_hashing
from services.gateway.accounts.routing.open_routes import Address, Password
from services.gateway.accounts.signing_in.session_cookies import drop_session_cookie
from services.gateway.accounts.views import AccountView, AddressView, address_view
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.models import (
    PROBLEMS,
    Limit,
    Listing,
    Place,
    RequestBody,
    listed,
    needs,
)

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


class AccountDeletion(RequestBody):
    """Somebody who wants to be gone."""

    password: Password | None = Field(default=None, description="Null, if there is none.")


class AddressRequest(RequestBody):
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
        MANAGES, own_problems("not_found", "bad_password", "weak_password", "passwords_differ")
    ),
)
async def change_password(
    wanted: PasswordChange, request: Request, mine: Mine, found: CurrentCaller
) -> None:
    """Set a password. All other sessions end, and a mail says so."""
    chosen = NewPassword(password=wanted.password, again=wanted.password_again)
    session = found.given.digest if found.given.is_session else None
    await mine.change_password(wanted.current, chosen, session)
    known_callers(request.app).forget(mine.user_id)


@router.post(
    "/account/deletion",
    status_code=NO_CONTENT,
    openapi_extra=declare(MANAGES, own_problems("not_found", "bad_password")),
)
async def delete_account(
    wanted: AccountDeletion, request: Request, deps: Deps, mine: Mine
) -> Response:
    """Delete your account with all documents, sessions and tokens. It cannot be undone."""
    await mine.check_own(wanted.password)
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
    openapi_extra=declare(MANAGES, own_problems("not_found", "bad_address", "no_mail")),
)
async def add_address(wanted: AddressRequest, mine: Mine) -> None:
    """Add a mail address: a mail goes there, and its link adds it."""
    await mine.add_address(wanted.address)


@router.post(
    "/account/addresses/{address_id}/primary", status_code=NO_CONTENT, openapi_extra=MANAGES
)
async def make_primary(address_id: UUID, mine: Mine) -> None:
    """Have mails go to this address; a mail to the one of before says so."""
    await mine.make_primary(address_id)


@router.delete(
    "/account/addresses/{address_id}",
    status_code=NO_CONTENT,
    openapi_extra=declare(MANAGES, own_problems("primary_address")),
)
async def remove_address(address_id: UUID, mine: Mine) -> None:
    """Remove a mail address, if it is not the one that mails go to."""
    await mine.remove_address(address_id)
