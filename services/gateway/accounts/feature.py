"""Accounts, as the gateway registers them."""

from services.gateway.accounts.links.deciding import decide_mail_route, forget_link_route
from services.gateway.accounts.routing import (
    account_routes,
    identity_routes,
    link_pages,
    open_routes,
    provider_pages,
    session_routes,
    token_routes,
)
from services.gateway.accounts.tables import (
    addresses,
    identities,
    login_flows,
    mail_links,
    passwords,
    sessions,
    tokens,
    users,
)
from services.gateway.kernel.record import Feature

ACCOUNTS = Feature(
    name="accounts",
    tables=(users, addresses, passwords, sessions, tokens, mail_links, identities, login_flows),
    work=(decide_mail_route, forget_link_route),
    api=(
        open_routes.router,
        session_routes.router,
        token_routes.router,
        account_routes.router,
        identity_routes.open_router,
        identity_routes.router,
    ),
    pages=(link_pages.router, provider_pages.router),
)
