"""A user of their own for confined processes, where the service may change users at all."""

import os
from pathlib import Path

CONFINED_USER = 65_530
"""In a range that Debian leaves unused and systemd gives to nobody for good."""

_NEEDED = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}
"""Bits of capabilities. The service has to be able to kill what has another user."""


def become_own_user() -> None:
    """Become a user who owns nothing, without groups.

    Raises:
        OSError: This process may not, as it may not in a container that runs as a user.
    """
    lacking = [name for name, bit in _NEEDED.items() if not _capabilities() >> bit & 1]
    if lacking:
        raise PermissionError(f"the service has no {lacking[0]}")
    os.setgroups([])
    os.setresgid(CONFINED_USER, CONFINED_USER, CONFINED_USER)
    os.setresuid(CONFINED_USER, CONFINED_USER, CONFINED_USER)


def _capabilities() -> int:
    """Return the effective capabilities of this process, a bit each; none where not on Linux."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return 0
    [line] = (line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(line.partition(":")[2], 16)
