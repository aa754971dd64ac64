"""Sessions of people who logged in: kept here, as digests, so that they can be ended."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import and_, bindparam, delete, insert, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.permissions import EVERY_SCOPE
from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from services.gateway.accounts.callers import Caller, digest_of
from services.gateway.accounts.rows import SessionRow
from services.gateway.accounts.tables import sessions, users
from services.gateway.accounts.users import lock_user
from services.gateway.kernel.rows import RowReader

log = structlog.get_logger(__name__)

REMEMBERED = timedelta(days=30)
FOR_NOW = timedelta(hours=12)
UNUSED = timedelta(days=14)
"""A session that is remembered ends earlier if nobody uses it for so long."""
USE_NOTED_EVERY = timedelta(minutes=1)
MOST_AGENT_CHARACTERS = 200
MOST_SESSIONS = 100
"""Of one user; the oldest ones end for newer ones."""
BY_SESSION = "session"
"""The name of a caller who came with a cookie."""

SESSIONS = RowReader(SessionRow, sessions)
_LASTS = (
    sessions.c.expires_at > bindparam("now"),
    sessions.c.last_used_at > bindparam("unused_since"),
)
_OF_USER = (
    SESSIONS.select()
    .where(sessions.c.user_id == bindparam("of_user"), *_LASTS)
    .order_by(sessions.c.created_at.desc(), sessions.c.session_id)
)
_OPEN = (
    SESSIONS.select()
    .join(users, users.c.user_id == sessions.c.user_id)
    .where(
        sessions.c.sha256 == bindparam("digest"),
        *_LASTS,
        users.c.disabled_at.is_(None),
    )
)
_VALID = (
    select(sessions.c.user_id, sessions.c.last_used_at, users.c.is_staff)
    .join(users, users.c.user_id == sessions.c.user_id)
    .where(
        sessions.c.sha256 == bindparam("digest"),
        *_LASTS,
        users.c.disabled_at.is_(None),
    )
)
_END_EXPIRED = delete(sessions).where(
    sessions.c.user_id == bindparam("of_user"), not_(and_(*_LASTS))
)
_END = delete(sessions).where(sessions.c.user_id == bindparam("of_user"))


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """A session that begins; ``secret`` is for the cookie alone, and cannot be found again."""

    session_id: UUID
    secret: str = field(repr=False)
    lasts: timedelta | None
    """For how long the browser keeps the cookie; None: until it is closed."""


async def begin_session(
    connection: AsyncConnection, user_id: UUID, agent: str, *, remembered: bool
) -> NewSession:
    """Begin a session; it always has a new secret. Those of the user that have expired go."""
    now, secret = datetime.now(UTC), secrets.token_urlsafe(32)
    new = NewSession(session_id=uuid4(), secret=secret, lasts=REMEMBERED if remembered else None)
    row = {
        "session_id": str(new.session_id),
        "sha256": digest_of(secret),
        "user_id": str(user_id),
        "agent": agent[:MOST_AGENT_CHARACTERS],
        "created_at": rfc3339(now),
        "expires_at": rfc3339(now + (REMEMBERED if remembered else FOR_NOW)),
        "last_used_at": rfc3339(now),
    }
    await lock_user(connection, user_id)
    await connection.execute(_END_EXPIRED, {"of_user": str(user_id), **_moments(now)})
    await connection.execute(insert(sessions).values(row))
    for ended in (await sessions_of(connection, user_id))[MOST_SESSIONS:]:
        await end_sessions(connection, user_id, session_id=ended.session_id)
    return new


async def sessions_of(connection: AsyncConnection, user_id: UUID) -> Sequence[SessionRow]:
    """Return a user's sessions, newest first."""
    asked = {"of_user": str(user_id), **_moments(datetime.now(UTC))}
    return await SESSIONS.all(connection, _OF_USER, asked)


async def end_sessions(
    connection: AsyncConnection,
    user_id: UUID,
    *,
    session_id: UUID | None = None,
    digest: str | None = None,
    except_id: UUID | None = None,
) -> int:
    """End one session of a user, by its id or digest, or all but one; return how many ended."""
    await lock_user(connection, user_id)
    ended, asked = _END, {"of_user": str(user_id)}
    conditions: list[Any] = []
    if session_id is not None:
        conditions.append(sessions.c.session_id == str(session_id))
    if digest is not None:
        conditions.append(sessions.c.sha256 == digest)
    if except_id is not None:
        conditions.append(sessions.c.session_id != str(except_id))
    return int((await connection.execute(ended.where(*conditions), asked)).rowcount)


async def end_session_of(connection: AsyncConnection, secret: str) -> None:
    """End the session that a browser had until now, whosever it was."""
    await connection.execute(delete(sessions).where(sessions.c.sha256 == digest_of(secret)))


async def open_session(connection: AsyncConnection, digest: str) -> SessionRow | None:
    """Return a session that has not ended, by the digest of its secret."""
    asked = {"digest": digest, **_moments(datetime.now(UTC))}
    return await SESSIONS.one(connection, _OPEN, asked)


async def renew_session(connection: AsyncConnection, session: SessionRow) -> NewSession:
    """Give a session a new secret in place of the one of before; the rest stays."""
    secret = secrets.token_urlsafe(32)
    renewed = update(sessions).where(sessions.c.session_id == str(session.session_id))
    await connection.execute(renewed.values(sha256=digest_of(secret)))
    began, ends = map(datetime.fromisoformat, (session.created_at, session.expires_at))
    is_remembered = ends - began > FOR_NOW
    lasts = ends - datetime.now(UTC) if is_remembered else None
    return NewSession(session_id=session.session_id, secret=secret, lasts=lasts)


async def session_caller(database: Database, secret: str) -> Caller | None:
    """Return whose session this is, None if it has ended. That it was used is noted, to the minute.

    Whoever is logged in may do all that they may do: a session has every scope.
    """
    now, digest = datetime.now(UTC), digest_of(secret)
    async with database.reading() as connection:
        asked = {"digest": digest, **_moments(now)}
        row = (await connection.execute(_VALID, asked)).first()
    if row is None:
        return None
    if row.last_used_at < rfc3339(now - USE_NOTED_EVERY):
        await _note_use(database, digest, rfc3339(now))
    return Caller(
        user_id=UUID(row.user_id),
        name=BY_SESSION,
        scopes=EVERY_SCOPE,
        is_staff=bool(row.is_staff),
    )


def _moments(now: datetime) -> dict[str, str]:
    return {"now": rfc3339(now), "unused_since": rfc3339(now - UNUSED)}


async def _note_use(database: Database, digest: str, now: str) -> None:
    used = update(sessions).where(sessions.c.sha256 == digest).values(last_used_at=now)
    try:
        async with database.transaction() as connection:
            await connection.execute(used)
    except Unavailable as error:  # nobody is refused for that
        log.warning("cannot note that a session was used", error=str(error))
