"""Engines for PostgreSQL, directly or behind PgBouncer, with limits of time."""

from typing import Any

from sqlalchemy import NullPool
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.common.database.connection_limits import KEEP_ALIVE, DatabaseLimits
from libs.common.database.postgres_dialect import DRIVER

CONNECT_TIMEOUT_S = 10.0
MAX_OVERFLOW = 5
FREE_CONNECTION_TIMEOUT_S = 5.0
"""How long a connection of the pool is waited for; all are taken while a server says nothing."""

PEER_SETTINGS = {
    "tcp_keepalives_idle": str(KEEP_ALIVE["TCP_KEEPIDLE"]),
    "tcp_keepalives_interval": str(KEEP_ALIVE["TCP_KEEPINTVL"]),
    "tcp_keepalives_count": str(KEEP_ALIVE["TCP_KEEPCNT"]),
    "tcp_user_timeout": str(KEEP_ALIVE["TCP_USER_TIMEOUT"]),
}
"""The same for the server's end: it would keep sessions of a host that is gone for two hours."""


def pooled_engine(
    url: str, limits: DatabaseLimits, pool_size: int | None, *, pooler: bool
) -> AsyncEngine:
    """Return an engine that keeps ``pool_size`` connections, the driver's choice if None.

    ``pooler`` says that ``url`` is of a PgBouncer that pools transactions.
    """
    sized = {} if pool_size is None else {"pool_size": pool_size}
    return _engine(
        url,
        limits,
        pooler,
        max_overflow=MAX_OVERFLOW,
        pool_timeout=FREE_CONNECTION_TIMEOUT_S,
        **sized,
    )


def unpooled_engine(url: str, limits: DatabaseLimits, *, pooler: bool) -> AsyncEngine:
    """Return an engine that keeps no connection."""
    return _engine(url, limits, pooler, poolclass=NullPool)


def _engine(url: str, limits: DatabaseLimits, pooler: bool, **pool: Any) -> AsyncEngine:
    arguments: dict[str, Any] = {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": limits.answer_s or None,
    }
    if pooler:
        arguments |= {"statement_cache_size": 0, "begin_with": _set_local(limits)}
    else:
        arguments["server_settings"] = limits.server_settings | PEER_SETTINGS
    return create_async_engine(
        make_url(url).set(drivername=DRIVER),
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args=arguments,
        **pool,
    )


def _set_local(limits: DatabaseLimits) -> str:
    settings = limits.server_settings.items()
    return ";".join(f"SET LOCAL {name}={value}" for name, value in settings)
