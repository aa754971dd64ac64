"""What confined processes keep, by what they are for: parsers read files, fetchers the web.

All else is taken from both alike, see :mod:`.confine`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.ingest.sandbox.kernel.allowed_calls import FETCHING, Call

NAME_SERVICE_PORT = 53
NAME_SERVICE_FILES = (
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a process keeps beyond computing with what is open.

    ``calls`` to the system; files that are ``readable``; ``ports`` that it may connect to by TCP,
    all of them if None; whether code in Python may use ``sockets``.
    """

    calls: Mapping[str, Call] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    ports: tuple[int, ...] | None = ()
    sockets: bool = False


PARSER = Rules()


def fetcher(ports: Iterable[int] | None) -> Rules:
    """Return the rules of a process that reads websites on ``ports``, on any port if None."""
    connects_to = None if ports is None else (NAME_SERVICE_PORT, *ports)
    return Rules(calls=FETCHING, readable=NAME_SERVICE_FILES, ports=connects_to, sockets=True)
