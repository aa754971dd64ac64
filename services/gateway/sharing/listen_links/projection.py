"""Events in, rows of links out."""

from collections.abc import Mapping

from libs.common.contracts.base import Event
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.sharing import ListenLinkEnded, ListenLinkMade
from libs.common.database.upsert import Write, upsert
from services.gateway.kernel.record import Fold
from services.gateway.sharing.tables import listen_links


def _made(event: ListenLinkMade) -> list[Write]:
    row = upsert(
        listen_links,
        {"link_id": str(event.link_id)},
        document_id=str(event.document_id),
        owner_id=str(event.owner_id),
        expires_at=rfc3339(event.expires_at),
        made_at=rfc3339(event.occurred_at),
    )
    return [row]


def _ended(event: ListenLinkEnded) -> list[Write]:
    ended = rfc3339(event.occurred_at)
    return [upsert(listen_links, {"link_id": str(event.link_id)}, ended_at=ended)]


LINK_FOLDS: Mapping[type[Event], Fold] = {ListenLinkMade: _made, ListenLinkEnded: _ended}
