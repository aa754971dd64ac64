"""Logins that are under way at another site: rows that are good once, in one browser, for a while.

Each that begins removes a few that have expired, so that as many go as come.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.errors import Throttled
from services.gateway.accounts.callers import digest_of
from services.gateway.accounts.identities.refusals import LoginRefused
from services.gateway.accounts.tables import login_flows
from services.gateway.kernel.rows import RowReader

GOOD_FOR = timedelta(minutes=10)
MOST_FLOWS = 50_000
"""At a time, of all people; a row takes some 500 bytes."""
REMOVED_AT_A_TIME = 10
RETRY_AFTER_S = 60.0
MOST_PATH = 500


@dataclass(frozen=True, kw_only=True)
class LoginFlow:
    """One of them, as its row has it; ``user_id`` is who links an identity, None: it is a login."""

    browser_sha256: str = field(repr=False)
    issuer: str
    code_verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    user_id: UUID | None
    is_remembered: bool
    return_path: str | None
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class NewFlow:
    """One that begins. ``state`` goes along to the other site, ``browser`` stays in a cookie."""

    issuer: str
    user_id: UUID | None = None
    is_remembered: bool = False
    return_path: str | None = None
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    browser: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    code_verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


FLOWS = RowReader(LoginFlow, login_flows)
_FIND = FLOWS.select().where(login_flows.c.sha256 == bindparam("digest"))
_TAKE = delete(login_flows).where(login_flows.c.sha256 == bindparam("digest"))
_EXPIRED = (
    select(login_flows.c.sha256)
    .where(login_flows.c.expires_at <= bindparam("now"))
    .order_by(login_flows.c.expires_at)
    .limit(REMOVED_AT_A_TIME)
    .with_for_update(skip_locked=True)
)
_REMOVE_EXPIRED = delete(login_flows).where(login_flows.c.sha256.in_(_EXPIRED))
_IS_FULL = select(login_flows.c.sha256).offset(bindparam("last", type_=Integer())).limit(1)


async def add_flow(connection: AsyncConnection, new: NewFlow) -> None:
    """Record one.

    Raises:
        Throttled: There are too many.
    """
    now = datetime.now(UTC)
    await connection.execute(_REMOVE_EXPIRED, {"now": rfc3339(now)})
    if (await connection.execute(_IS_FULL, {"last": MOST_FLOWS - 1})).first() is not None:
        raise Throttled("many people log in with other sites just now", RETRY_AFTER_S)
    row = {
        "sha256": digest_of(new.state),
        "browser_sha256": digest_of(new.browser),
        "issuer": new.issuer,
        "code_verifier": new.code_verifier,
        "nonce": new.nonce,
        "user_id": None if new.user_id is None else str(new.user_id),
        "is_remembered": new.is_remembered,
        "return_path": new.return_path,
        "expires_at": rfc3339(now + GOOD_FOR),
    }
    await connection.execute(insert(login_flows).values(row))


async def take_flow(connection: AsyncConnection, state: str) -> LoginFlow | None:
    """Return a login that is under way, and use it up; None if there is none any more.

    Of two who come with it at once, one removes the row.
    """
    asked = {"digest": digest_of(state)}
    flow = await FLOWS.one(connection, _FIND, asked)
    taken = await connection.execute(_TAKE, asked)
    if flow is None or not taken.rowcount or flow.expires_at <= rfc3339(datetime.now(UTC)):
        return None
    return flow


def check_flow(flow: LoginFlow | None, issuer: str, browser: str | None) -> LoginFlow:
    """Return a login that was taken, if it is one with this provider, of this browser.

    Raises:
        LoginRefused: It is none, or another one's.
    """
    if flow is None or flow.issuer != issuer:
        raise LoginRefused("unknown_flow")
    if browser is None or not compare_digest(digest_of(browser), flow.browser_sha256):
        raise LoginRefused("other_browser")
    return flow


def checked_path(path: str | None) -> str | None:
    """Return a path of ours that somebody is to come back to; None if it is none, or elsewhere.

    Browsers take two slashes, or one and a backslash, for the beginning of a host, and leave out
    tabs and line breaks.
    """
    if path is None or len(path) > MOST_PATH or not path.startswith("/"):
        return None
    if path.startswith("//") or "\\" in path or not path.isascii() or not path.isprintable():
        return None
    return None if " " in path else path
