"""The pages behind links in mails: one that asks, and what came of it. Looking changes nothing.

They have no script and no style, so that nothing has to be allowed for them.
"""

from html import escape
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from libs.common.errors import Rejected
from libs.common.mail_links import LINKS
from services.gateway.accounts.commands import NewPassword
from services.gateway.accounts.current_caller import known_callers
from services.gateway.accounts.links.link_rows import LinkRow
from services.gateway.accounts.links.using import MailLinkUse
from services.gateway.accounts.open_route import OpenRoute
from services.gateway.accounts.routing.open_routes import Commands
from services.gateway.http.context import Deps
from services.gateway.http.description.declared import declare
from services.gateway.http.models import open_to_all
from services.gateway.http.ratelimit.limit_classes import LimitClass, limited
from services.gateway.kernel.errors import NotFound

OPEN = declare(open_to_all(), limited(LimitClass.MAIL_LINK))
router = APIRouter(prefix=LINKS, include_in_schema=False, route_class=OpenRoute)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",  # with none at all, browsers would hide where a form is from
    "X-Robots-Tag": "noindex",
}
ASKED = {
    "register": ("Confirm your mail address", "Confirm"),
    "invite": ("Choose a password", "Begin"),
    "reset": ("Choose a new password", "Set the password"),
    "add_address": ("Confirm your mail address", "Confirm"),
}
DONE = {
    "register": "The address is confirmed, and you have an account. You can log in now.",
    "invite": "You have an account. You can log in now.",
    "reset": "The password is set; all sessions and tokens have ended. You can log in now.",
    "add_address": "The address is confirmed. You can log in with it.",
}
GONE = "This link is of no use: it was used, or has expired. Ask for a new one."
ADDRESS = (
    '<p><label>Mail address <input type="email" name="address" autocomplete="email" '
    "required></label></p>\n"
)
PASSWORDS = (
    '<p><label>Password <input type="password" name="password" autocomplete="new-password" '
    "required></label></p>\n"
    '<p><label>Once more <input type="password" name="password_again" '
    'autocomplete="new-password" required></label></p>\n'
)

CHOSEN = (
    "<p>Somebody registered with this address. If it was you, enter the password that you chose, "
    "or type another one twice. If not, close this page: there is no account then.</p>\n"
    '<p><label>Password <input type="password" name="password" '
    'autocomplete="current-password" required></label></p>\n'
    '<p><label>Once more, if it is another one <input type="password" name="password_again" '
    'autocomplete="new-password"></label></p>\n'
)


@router.get("/{mail_id}/{secret}", response_class=HTMLResponse, openapi_extra=OPEN)
async def ask(mail_id: UUID, secret: str, deps: Deps) -> HTMLResponse:
    """Show what the link of a mail is good for."""
    try:
        link = await MailLinkUse(deps).look(mail_id, secret)
    except (NotFound, Rejected):
        return _page(HTTPStatus.NOT_FOUND, "No such link", f"<p>{GONE}</p>")
    return _form(link)


@router.post("/{mail_id}/{secret}", response_class=HTMLResponse, openapi_extra=OPEN)
async def confirm(
    mail_id: UUID,
    secret: str,
    request: Request,
    deps: Deps,
    commands: Commands,
    password: Annotated[str, Form(max_length=1000)] = "",
    password_again: Annotated[str, Form(max_length=1000)] = "",
    address: Annotated[str, Form(max_length=320)] = "",
) -> HTMLResponse:
    """Do what the link of a mail is good for."""
    chosen = NewPassword(password=password, again=password_again)
    try:
        link = await MailLinkUse(deps).look(mail_id, secret)
    except (NotFound, Rejected):
        return _page(HTTPStatus.NOT_FOUND, "No such link", f"<p>{GONE}</p>")
    try:
        user_id = await commands.use_link(mail_id, secret, chosen, address)
    except NotFound:
        return _page(HTTPStatus.NOT_FOUND, "No such link", f"<p>{GONE}</p>")
    except Rejected as error:
        return _form(link, str(error))
    known_callers(request.app).forget(user_id)
    return _page(HTTPStatus.OK, "Done", f"<p>{DONE[link.purpose]}</p>")


def _form(link: LinkRow, wrong: str | None = None) -> HTMLResponse:
    title, button = ASKED[link.purpose]
    said = f"<p><strong>{escape(wrong)}</strong></p>\n" if wrong else ""
    fields = ADDRESS if link.takes_address else ""
    fields += PASSWORDS if link.takes_password else ""
    fields += CHOSEN if link.asks_password else ""
    body = (
        f"{said}<p>{escape(link.address)}</p>\n"
        f'<form method="post">\n{fields}<p><button>{button}</button></p>\n</form>'
    )
    status = HTTPStatus.OK if wrong is None else HTTPStatus.UNPROCESSABLE_ENTITY
    return _page(status, title, body)


def _page(status: HTTPStatus, title: str, body: str) -> HTMLResponse:
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title} - Lectern</title>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )
    return HTMLResponse(page, status, HEADERS)
