"""Registering, logging in, resetting a password: for people who have no credentials yet."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from starlette.requests import Request

from libs.common.contracts.identifiers import LANGUAGE_PATTERN
from services.gateway.accounts.commands import AccountCommands, Login, NewPassword
from services.gateway.accounts.current_caller import known_callers
from services.gateway.accounts.open_route import OpenRoute, limit_mailbox
from services.gateway.accounts.passwords.hashing import password_hashing
from services.gateway.accounts.signing_in.session_cookies import session_secret, set_session_cookie
from services.gateway.http.context import PREFIX, Deps
from services.gateway.http.description.declared import declare, own_problems
from services.gateway.http.models import PROBLEMS, RequestBody, open_to_all
from services.gateway.http.problems import Refused
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited

router = APIRouter(prefix=PREFIX, tags=["accounts"], responses=PROBLEMS, route_class=OpenRoute)

Address = Annotated[str, Field(max_length=320, description="Mail address.")]
Password = Annotated[str, Field(max_length=1000, description="8 to 128 characters.")]
Language = Annotated[str, Field(pattern=LANGUAGE_PATTERN, description="BCP 47.")]
Secret = Annotated[str, Field(max_length=200, description="As the link has it.")]


def account_commands(request: Request, deps: Deps) -> AccountCommands:
    """Return what people can do who are not logged in."""
    return AccountCommands(deps, password_hashing(request.app))


Commands = Annotated[AccountCommands, Depends(account_commands)]


class Registration(RequestBody):
    """Somebody who wants an account."""

    address: Address
    password: Password
    password_again: Password
    language: Language = "en"


class ResetRequest(RequestBody):
    """Somebody who does not know the password any more."""

    address: Address
    language: Language = "en"


class LoginRequest(RequestBody):
    """Somebody who logs in."""

    address: Address
    password: Password
    remember: bool = Field(
        default=False, description="Stay logged in for 30 days, or until 14 days go by without use."
    )


class UsedLink(RequestBody):
    """The link of a mail, whose path is ``/links/{mail_id}/{secret}``."""

    mail_id: UUID
    secret: Secret
    password: Password | None = Field(
        default=None,
        description="The one that is chosen. To confirm a registration, the one that was chosen, "
        "or another one twice.",
    )
    password_again: Password | None = None
    address: Address | None = Field(
        default=None, description="For the first one to have an account."
    )


@router.post(
    "/registrations",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=declare(
        open_to_all(),
        limited(LimitClass.REGISTRATION),
        own_problems(
            "bad_address",
            "weak_password",
            "passwords_differ",
            "no_mail",
            "sign_up_closed",
            "cross_site",
        ),
    ),
)
async def register(wanted: Registration, request: Request, commands: Commands) -> None:
    """Ask for an account: a mail comes, and its link makes it.

    The answer is the same if there is an account of that address.
    """
    await limit_mailbox(request, wanted.address)
    chosen = NewPassword(password=wanted.password, again=wanted.password_again)
    await commands.register(wanted.address, chosen, wanted.language)


@router.post(
    "/password-resets",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=declare(
        open_to_all(),
        limited(LimitClass.RESET),
        own_problems("bad_address", "no_mail", "cross_site"),
    ),
)
async def reset_password(wanted: ResetRequest, request: Request, commands: Commands) -> None:
    """Ask for a new password: a mail comes, if the address is that of an account."""
    await limit_mailbox(request, wanted.address)
    await commands.ask_reset(wanted.address, wanted.language)


@router.post(
    "/login",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra=declare(
        open_to_all(), limited(LimitClass.LOGIN), own_problems("bad_login", "cross_site")
    ),
)
async def log_in(
    wanted: LoginRequest, request: Request, deps: Deps, commands: Commands
) -> Response:
    """Log in: a cookie stands for the session."""
    await limit_mailbox(request, wanted.address)
    login = Login(
        address=wanted.address,
        password=wanted.password,
        agent=request.headers.get("user-agent", ""),
        remembered=wanted.remember,
        session=session_secret(request, deps.accounts),
    )
    session = await commands.log_in(login)
    if session is None:
        detail = "Address and password do not belong together."
        raise Refused(HTTPStatus.UNAUTHORIZED, "bad_login", detail)
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    set_session_cookie(answer, deps.accounts, session.secret, session.lasts)
    return answer


@router.post(
    "/mail-links",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra=declare(
        open_to_all(),
        limited(LimitClass.MAIL_LINK),
        own_problems(
            "weak_password",
            "passwords_differ",
            "bad_address",
            "address_taken",
            "already_registered",
            "bad_password",
            "no_mail",
            "cross_site",
        ),
    ),
)
async def use_link(wanted: UsedLink, request: Request, commands: Commands) -> None:
    """Use the link of a mail: confirm an address, or set a password. It works once.

    A new password ends all sessions and tokens of before.
    """
    chosen = NewPassword(password=wanted.password or "", again=wanted.password_again or "")
    user_id = await commands.use_link(wanted.mail_id, wanted.secret, chosen, wanted.address or "")
    known_callers(request.app).forget(user_id)
