"""Typed rows of links, read from their tables."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.kernel.rows import RowReader
from services.gateway.sharing.listen_links.rows import ListenLinkRow
from services.gateway.sharing.tables import link_secrets, listen_links

LISTEN_LINKS = RowReader(
    ListenLinkRow,
    listen_links,
    link_secrets,
    joined=listen_links.join(link_secrets, link_secrets.c.link_id == listen_links.c.link_id),
)
_OPEN = LISTEN_LINKS.select().where(
    listen_links.c.made_at.is_not(None), listen_links.c.ended_at.is_(None)
)
_OF_DOCUMENT = _OPEN.where(listen_links.c.document_id == bindparam("document")).order_by(
    listen_links.c.made_at, listen_links.c.link_id
)
_ACTIVE = _OPEN.where(listen_links.c.expires_at > bindparam("now"))
_BY_DIGEST = _ACTIVE.where(link_secrets.c.sha256 == bindparam("digest"))
_OF_LINK = (
    select(listen_links.c.link_id)
    .join(link_secrets, link_secrets.c.link_id == listen_links.c.link_id)
    .where(
        listen_links.c.link_id == bindparam("link"),
        listen_links.c.document_id == bindparam("document"),
        listen_links.c.made_at.is_not(None),
        listen_links.c.ended_at.is_(None),
        listen_links.c.expires_at > bindparam("now"),
    )
)


async def links_of_document(connection: AsyncConnection, document_id: UUID) -> list[ListenLinkRow]:
    """Return the links of a document that nobody has ended, the oldest first."""
    return await LISTEN_LINKS.all(connection, _OF_DOCUMENT, {"document": str(document_id)})


async def link_with(connection: AsyncConnection, digest: str) -> ListenLinkRow | None:
    """Return the link whose secret has this digest, if it opens anything now."""
    asked = {"digest": digest, "now": rfc3339(datetime.now(UTC))}
    return await LISTEN_LINKS.one(connection, _BY_DIGEST, asked)


async def is_link_of(connection: AsyncConnection, caller: UUID, document_id: UUID) -> bool:
    """Tell whether ``caller`` is no user, but a link that opens the document now."""
    asked = {
        "link": str(caller),
        "document": str(document_id),
        "now": rfc3339(datetime.now(UTC)),
    }
    return await connection.scalar(_OF_LINK, asked) is not None
