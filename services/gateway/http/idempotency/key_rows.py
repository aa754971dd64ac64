"""Rows of ``idempotency_keys`` as values, and what is done to them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.cloudevents import rfc3339
from libs.common.store.tables import now_ms
from services.gateway.http.idempotency.jobs import KEPT_FOR
from services.gateway.http.idempotency.tables import idempotency_keys
from services.gateway.kernel.rows import RowReader

LEASE_MS = 60_000
"""Whoever works on a request and was silent for so long is taken for dead."""

_table = idempotency_keys
_MINE = (_table.c.user_id == bindparam("of_user"), _table.c.key == bindparam("named"))
_HELD = (*_MINE, _table.c.token == bindparam("held_by"))
_LEASED = _table.c.lease_until_ms > now_ms()


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """What is known of a request: ``status`` None, if there is no answer, or none any more."""

    token: UUID
    is_leased: bool
    fingerprint: str | None
    committed_at: str | None
    status: int | None
    headers: str | None
    body: bytes | None

    @property
    def is_abandoned(self) -> bool:
        """Whether nothing came of it, and nobody works on it any more."""
        return self.status is None and self.committed_at is None and not self.is_leased

    @property
    def is_over(self) -> bool:
        """Whether it was answered, or will never be."""
        return self.status is not None or (self.committed_at is not None and not self.is_leased)


@dataclass(frozen=True, kw_only=True)
class UsedKey:
    """A key as a user has sent it, and who works on its request."""

    user_id: UUID
    key: str
    token: UUID

    def asked(self) -> dict[str, str]:
        """Return the parameters of statements about it."""
        return {"of_user": str(self.user_id), "named": self.key, "held_by": str(self.token)}


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """What is kept of an answer; ``document_id`` is what it is about, if it is about one."""

    status: int
    headers: str
    body: bytes
    document_id: UUID | None


ROWS = RowReader(KeyRow, _table, is_leased=_LEASED)
_FIND = ROWS.select().where(*_MINE, _table.c.created_at > bindparam("since"))
_REMOVE_OLD = delete(_table).where(*_MINE, _table.c.created_at <= bindparam("since"))
_INSERT = (
    insert(_table)
    .values(
        user_id=bindparam("of_user"),
        key=bindparam("named"),
        token=bindparam("held_by"),
        fingerprint=bindparam("printed"),
        created_at=bindparam("now"),
        lease_until_ms=now_ms() + LEASE_MS,
    )
    .on_conflict_do_nothing()
    .returning(_table.c.token)
)
_TAKE_OVER = (
    update(_table)
    .where(*_MINE, _table.c.status.is_(None), _table.c.committed_at.is_(None), ~_LEASED)
    .values(
        token=bindparam("held_by"),
        fingerprint=bindparam("printed"),
        lease_until_ms=now_ms() + LEASE_MS,
    )
)
_RENEW = update(_table).where(*_HELD).values(lease_until_ms=now_ms() + LEASE_MS)
_COMMIT = update(_table).where(*_HELD).values(committed_at=bindparam("now"))
_LET_GO = update(_table).where(*_HELD).values(lease_until_ms=0)
_REMOVE = delete(_table).where(*_HELD, _table.c.committed_at.is_(None))
_KEEP = (
    update(_table)
    .where(*_HELD)
    .values(
        fingerprint=bindparam("printed"),
        committed_at=func.coalesce(_table.c.committed_at, bindparam("now")),
        status=bindparam("said"),
        headers=bindparam("with_headers"),
        body=bindparam("with_body"),
        document_id=bindparam("about"),
        lease_until_ms=0,
    )
)


async def find_key(connection: AsyncConnection, used: UsedKey) -> KeyRow | None:
    """Return what is known of a request with the key."""
    asked = {**used.asked(), "since": _since()}
    return await ROWS.one(connection, _FIND, asked)


async def begin(connection: AsyncConnection, used: UsedKey, fingerprint: str | None) -> bool:
    """Begin the request, or take it over from who died at it; False if somebody else was faster."""
    asked = {**used.asked(), "printed": fingerprint}
    await connection.execute(_REMOVE_OLD, {**used.asked(), "since": _since()})
    if (await connection.execute(_INSERT, {**asked, "now": _now()})).first() is not None:
        return True
    return bool((await connection.execute(_TAKE_OVER, asked)).rowcount)


async def renew(connection: AsyncConnection, used: UsedKey) -> None:
    """Say that it is still being worked on."""
    await connection.execute(_RENEW, used.asked())


async def commit(connection: AsyncConnection, used: UsedKey) -> bool:
    """Note that what was asked for is made; False if somebody else has taken the request over."""
    asked = {**used.asked(), "now": _now()}
    return bool((await connection.execute(_COMMIT, asked)).rowcount)


async def keep(
    connection: AsyncConnection, used: UsedKey, fingerprint: str, answer: KeptAnswer
) -> None:
    """Keep the answer for whoever repeats the request."""
    about = answer.document_id
    asked = {
        **used.asked(),
        "now": _now(),
        "printed": fingerprint,
        "said": answer.status,
        "with_headers": answer.headers,
        "with_body": answer.body,
        "about": None if about is None else str(about),
    }
    await connection.execute(_KEEP, asked)


async def let_go(connection: AsyncConnection, used: UsedKey) -> None:
    """Work on it no longer: if nothing was made, it was as if nobody had asked."""
    await connection.execute(_REMOVE, used.asked())
    await connection.execute(_LET_GO, used.asked())


async def remove_before(connection: AsyncConnection, until: str, most: int) -> bool:
    """Remove some ``most`` rows that were made before ``until``; return whether more may be."""
    made = _table.c.created_at
    last = select(made).where(made < until).order_by(made).offset(most - 1).limit(1)
    bound: str | None = await connection.scalar(last)
    await connection.execute(delete(_table).where(made < until if bound is None else made <= bound))
    return bound is not None


def _now() -> str:
    return rfc3339(datetime.now(UTC))


def _since() -> str:
    return rfc3339(datetime.now(UTC) - KEPT_FOR)
