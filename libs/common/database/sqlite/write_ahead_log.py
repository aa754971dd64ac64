"""When SQLite moves its write-ahead log into the database, which waits for the disk.

By itself it does so in the commit that makes the log too long, wherever that is executed: 25 ms
instead of 20 µs. Here the log is moved by a commit that is executed in a thread, in time for those
on the event loop to find it short.
"""

MOST_COMMITS = 64
"""Commits of short transactions between two moves."""

LONG = 16
"""As how many of them a commit of a long transaction counts."""

MOST_PAGES = 8000
"""Pages, of 4 KiB, at which SQLite moves the log by itself: more than those commits leave there."""


class WriteAheadLog:
    """Of one file, as far as this process adds to it."""

    def __init__(self) -> None:
        self._commits = 0

    @property
    def is_long(self) -> bool:
        """Whether the next commit is to move it."""
        return self._commits >= MOST_COMMITS

    def grew(self, *, long: bool) -> None:
        """Count a commit."""
        self._commits += LONG if long else 1

    def moved(self) -> None:
        """Begin to count anew."""
        self._commits = 0
