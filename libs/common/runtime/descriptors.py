"""File descriptors of the process: connections of strangers leave enough for everything else.

A process that has none left reads no file, starts no worker and reaches no broker, whatever it is
asked; and asyncio complains of each connection that it cannot accept.
"""

import resource

import structlog

from libs.common.settings import CommonSettings

log = structlog.get_logger(__name__)

MOST = 16_384
"""More are never asked for: some programs go through all that they might have."""
RESERVED = 512
"""For files, workers, the database and the broker, about 200 in a standalone at work; and for the
connections that are accepted at a time before they are counted."""
FEWEST_CONNECTIONS = 10


def raise_limit() -> int:
    """Allow this process as many descriptors as it may allow itself; return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST if soft == resource.RLIM_INFINITY else soft


def within_descriptors(common: CommonSettings, servers: int) -> CommonSettings:
    """Return the settings with no more connections than fit, where a process has ``servers``.

    The limit of descriptors is raised first, as far as it goes.
    """
    allowed = raise_limit()
    fit = max(FEWEST_CONNECTIONS, (allowed - RESERVED) // servers)
    if fit >= common.http_max_connections:
        return common
    log.warning("connections are limited by descriptors", connections=fit, descriptors=allowed)
    return common.model_copy(update={"http_max_connections": fit})
