"""Sharing, as the gateway registers it."""

from services.gateway.kernel.record import Feature
from services.gateway.sharing.closed_accounts import end_shares_route
from services.gateway.sharing.projection import FOLDS
from services.gateway.sharing.reactions import REACTIONS
from services.gateway.sharing.tables import share_recipients, shares

SHARING = Feature(
    name="sharing",
    folds=FOLDS,
    reactions=REACTIONS,
    tables=(shares, share_recipients),
    read_models=(shares,),
    work=(end_shares_route,),
)
