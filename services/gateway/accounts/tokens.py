"""Bearer tokens: random, stored as digests, shown once."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import EVERY_SCOPE, Scope
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from services.gateway.accounts.callers import Caller, Maker, digest_of
from services.gateway.accounts.rows import TokenRow, scopes_as_text, scopes_of
from services.gateway.accounts.signing_in.login_sessions import open_session
from services.gateway.accounts.tables import tokens, users
from services.gateway.accounts.users import is_disabled, lock_user
from services.gateway.kernel.errors import Forbidden, QuotaExceeded
from services.gateway.kernel.rows import RowReader

log = structlog.get_logger(__name__)

PREFIX = "lectern_"
TOKENS = RowReader(TokenRow, tokens)
USE_NOTED_EVERY = timedelta(minutes=1)
MOST_TOKENS = 100
"""Of one user."""

_VALID = (
    select(
        tokens.c.owner_id,
        tokens.c.name,
        tokens.c.scopes,
        tokens.c.expires_at,
        tokens.c.last_used_at,
        users.c.is_staff,
    )
    .select_from(tokens.outerjoin(users, users.c.user_id == tokens.c.owner_id))
    .where(
        tokens.c.sha256 == bindparam("digest"),
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now")),
        users.c.disabled_at.is_(None),
    )
)
_OF_OWNER = (
    TOKENS.select()
    .where(
        tokens.c.owner_id == bindparam("of_owner"),
        tokens.c.revoked_at.is_(None),
        or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now")),
    )
    .order_by(tokens.c.created_at.desc(), tokens.c.token_id)
)


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that is to be made; ``expires_at`` None: it is valid until it is revoked."""

    token_id: UUID
    owner_id: UUID
    name: str
    scopes: frozenset[Scope]
    expires_at: str | None


@dataclass(frozen=True)
class IssuedToken:
    """What came of it; ``secret`` cannot be shown again."""

    created_at: str
    expires_at: str | None
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Tokens:
    """Issues, checks and revokes bearer tokens."""

    database: Database

    async def create(
        self,
        name: str,
        owner_id: UUID | None = None,
        valid_days: int | None = None,
        scopes: frozenset[Scope] = EVERY_SCOPE,
    ) -> tuple[UUID, str]:
        """Return the owner's id and a new token for it, which cannot be shown again."""
        owner = owner_id or uuid4()
        token = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        expires = None if valid_days is None else rfc3339(now + timedelta(days=valid_days))
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(tokens).values(
                    token_id=str(uuid4()),
                    sha256=digest_of(token),
                    owner_id=str(owner),
                    name=name,
                    scopes=scopes_as_text(scopes),
                    created_at=rfc3339(now),
                    expires_at=expires,
                )
            )
        return owner, token

    async def issue(self, new: NewToken, maker: Maker) -> IssuedToken | None:
        """Return a new token of a user; None if what makes it is not valid any more.

        Raises:
            QuotaExceeded: The user has as many as one may have.
            Forbidden: The token that makes it may do less.
        """
        token, now = PREFIX + secrets.token_urlsafe(32), datetime.now(UTC)
        asked = {"of_owner": str(new.owner_id), "now": rfc3339(now)}
        async with self.database.transaction() as connection:
            await lock_user(connection, new.owner_id)
            made = await _as_its_maker_allows(connection, new, maker)
            if made is None:
                return None
            if len(await TOKENS.all(connection, _OF_OWNER, asked)) >= MOST_TOKENS:
                raise QuotaExceeded(f"You have {MOST_TOKENS} tokens; revoke one first.")
            row = {
                "token_id": str(made.token_id),
                "sha256": digest_of(token),
                "owner_id": str(made.owner_id),
                "name": made.name,
                "scopes": scopes_as_text(made.scopes),
                "created_at": rfc3339(now),
                "expires_at": made.expires_at,
            }
            await connection.execute(insert(tokens).values(row))
        return IssuedToken(created_at=rfc3339(now), expires_at=made.expires_at, secret=token)

    async def of_owner(self, owner_id: UUID) -> list[TokenRow]:
        """Return the tokens of a user that are good for something, newest first."""
        asked = {"of_owner": str(owner_id), "now": rfc3339(datetime.now(UTC))}
        async with self.database.reading() as connection:
            return await TOKENS.all(connection, _OF_OWNER, asked)

    async def revoke_one(self, owner_id: UUID, token_id: UUID) -> bool:
        """Make a token of a user invalid; False if there is none."""
        mine = (tokens.c.owner_id == str(owner_id), tokens.c.token_id == str(token_id))
        revoked = update(tokens).where(*mine, tokens.c.revoked_at.is_(None))
        async with self.database.transaction() as connection:
            await lock_user(connection, owner_id)
            now = rfc3339(datetime.now(UTC))
            return bool((await connection.execute(revoked.values(revoked_at=now))).rowcount)

    async def caller(self, token: str) -> Caller | None:
        """Return whose token this is, or None if it is not valid now.

        That it was used is noted, to the minute.
        """
        now, digest = datetime.now(UTC), digest_of(token)
        async with self.database.reading() as connection:
            asked = {"digest": digest, "now": rfc3339(now)}
            row = (await connection.execute(_VALID, asked)).first()
        if row is None:
            return None
        if row.last_used_at is None or row.last_used_at < rfc3339(now - USE_NOTED_EVERY):
            await self._note_use(digest, rfc3339(now))
        return Caller(
            user_id=UUID(row.owner_id),
            name=row.name,
            scopes=scopes_of(row.scopes),
            is_staff=bool(row.is_staff),
        )

    async def _note_use(self, digest: str, now: str) -> None:
        used = update(tokens).where(tokens.c.sha256 == digest).values(last_used_at=now)
        try:
            async with self.database.transaction() as connection:
                await connection.execute(used)
        except Unavailable as error:  # nobody is refused for that
            log.warning("cannot note that a token was used", error=str(error))

    async def revoke(self, token_id: UUID) -> bool:
        """Make anybody's token invalid; False if there is none that is valid.

        Names are not enough: users give them, and two may give the same.
        """
        found = select(tokens.c.owner_id).where(tokens.c.token_id == str(token_id))
        async with self.database.reading() as connection:
            owner_id = await connection.scalar(found)
        return owner_id is not None and await self.revoke_one(UUID(owner_id), token_id)

    async def listing(self) -> list[TokenRow]:
        """Return every token's name, owner and moments, oldest first; never the token."""
        async with self.database.reading() as connection:
            return await TOKENS.all(connection, TOKENS.select().order_by(tokens.c.created_at))


async def check_still_valid(
    connection: AsyncConnection, user_id: UUID, maker: Maker | None
) -> None:
    """Let nobody give rights that last with what was ended since the request began.

    Its body may have come slowly. The lock of the user is taken, under which that is ended.

    Raises:
        Forbidden: The account was closed, or the credentials were revoked or have expired.
    """
    await lock_user(connection, user_id)
    if await is_disabled(connection, user_id):
        raise Forbidden("Your account is closed.")
    if maker is not None and not await is_valid(connection, maker):
        raise Forbidden("Your session or token has ended meanwhile.")


async def is_valid(connection: AsyncConnection, maker: Maker) -> bool:
    """Return whether credentials are valid now. To ask is no use of them, and is not noted."""
    if maker.is_session:
        return await open_session(connection, maker.digest) is not None
    asked = {"digest": maker.digest, "now": rfc3339(datetime.now(UTC))}
    return (await connection.execute(_VALID, asked)).first() is not None


async def revoke_tokens(connection: AsyncConnection, owner_id: UUID) -> None:
    """Make all tokens of a user invalid; :func:`lock_user` comes first."""
    mine = update(tokens).where(tokens.c.owner_id == str(owner_id), tokens.c.revoked_at.is_(None))
    await connection.execute(mine.values(revoked_at=rfc3339(datetime.now(UTC))))


async def _as_its_maker_allows(
    connection: AsyncConnection, new: NewToken, maker: Maker
) -> NewToken | None:
    """Return a token that lasts no longer than what makes it; None if that is not valid now.

    Raises:
        Forbidden: What makes it may do less.
    """
    if maker.is_session:
        return None if await open_session(connection, maker.digest) is None else new
    asked = {"digest": maker.digest, "now": rfc3339(datetime.now(UTC))}
    row = (await connection.execute(_VALID, asked)).first()
    if row is None:
        return None
    if more := new.scopes - scopes_of(row.scopes):
        raise Forbidden(f"A token cannot make one that may do more: {scopes_as_text(more)}.")
    ends = [moment for moment in (new.expires_at, row.expires_at) if moment is not None]
    return replace(new, expires_at=min(ends) if ends else None)
