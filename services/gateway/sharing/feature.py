"""Sharing, as the gateway registers it."""

from services.gateway.kernel.record import Feature
from services.gateway.sharing.closed_accounts import end_shares_route
from services.gateway.sharing.listen_links.link_secrets import LINK_PREFIX, link_caller
from services.gateway.sharing.listen_links.projection import LINK_FOLDS
from services.gateway.sharing.projection import FOLDS
from services.gateway.sharing.reactions import REACTIONS
from services.gateway.sharing.tables import link_secrets, listen_links, share_recipients, shares

SHARING = Feature(
    name="sharing",
    folds={**FOLDS, **LINK_FOLDS},
    reactions=REACTIONS,
    tables=(shares, share_recipients, listen_links, link_secrets),
    read_models=(shares, listen_links),
    credentials={LINK_PREFIX: link_caller},
    work=(end_shares_route,),
)
