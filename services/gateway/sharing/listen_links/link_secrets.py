"""Secrets of links: random, stored as digests, shown once; and what their makers call them.

A link whose secret is gone opens nothing, whatever its events say: so all links of an account or a
document end in the transaction that closes or deletes it.
"""

import secrets
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from sqlalchemy import Executable, delete, insert

from libs.common.contracts.permissions import Scope
from libs.common.contracts.sharing import ListenLinkMade
from libs.common.database.engine import Database
from services.gateway.accounts.callers import Caller, digest_of
from services.gateway.sharing.listen_links.selects import link_with
from services.gateway.sharing.tables import link_secrets

LINK_PREFIX = "lk_"
SECRET_BYTES = 32


@dataclass(frozen=True)
class LinkSecret:
    """A secret that cannot be shown again."""

    secret: str = field(
        repr=False, default_factory=lambda: LINK_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    )

    def kept(self, made: ListenLinkMade, label: str | None) -> Executable:
        """Return the effect of having it open what ``made`` says."""
        return insert(link_secrets).values(
            link_id=str(made.link_id),
            document_id=str(made.document_id),
            owner_id=str(made.owner_id),
            sha256=digest_of(self.secret),
            label=label,
        )


def forgotten_secret(link_id: UUID) -> Executable:
    """Return the effect of having a link open nothing any more."""
    return delete(link_secrets).where(link_secrets.c.link_id == str(link_id))


def secrets_of_document(document_id: UUID) -> Executable:
    """Return the effect of having no link of a document open anything any more."""
    return delete(link_secrets).where(link_secrets.c.document_id == str(document_id))


def secrets_of_owner(owner_id: UUID) -> Executable:
    """Return the effect of having no link of an owner's documents open anything any more."""
    return delete(link_secrets).where(link_secrets.c.owner_id == str(owner_id))


def listeners_of(owner_id: UUID) -> UUID:
    """Return in whose place those are counted who come with links of an owner.

    All of them in one, however many links there are, and not in that of the owner.
    """
    return uuid5(owner_id, "listen links")


async def link_caller(database: Database, secret: str) -> Caller | None:
    """Return who has the secret of a link: nobody in particular, so the link stands for them.

    Raises:
        Unavailable: The database cannot be reached.
    """
    async with database.reading() as connection:
        link = await link_with(connection, digest_of(secret))
    if link is None:
        return None
    return Caller(
        user_id=link.link_id,
        name="listen link",
        scopes=frozenset({Scope.READ}),
        is_staff=False,
        document_id=link.document_id,
        counts_as=listeners_of(link.owner_id),
    )
