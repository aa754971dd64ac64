"""When SQLite moves its write-ahead log into the database, which waits for the disk.

By itself it does so in the commit that makes the log too long, wherever that is executed: 25 ms
instead of 20 µs. The commit after it waits for the disk as well, for it begins the log anew. Here
both are executed in a thread, in time for those on the event loop to find the log short.
"""

MOST_COMMITS = 64
"""Commits of short transactions between two moves."""

LONG = 16
"""As how many of them a commit of a long transaction counts."""

AGAIN_AFTER = 8
"""Commits until the log is to be moved again, when some of it could not be."""

MOST_PAGES = 8000
"""Pages, of 4 KiB, at which SQLite moves the log by itself: more than those commits leave there."""


class WriteAheadLog:
    """Of one file, as far as this process adds to it."""

    def __init__(self) -> None:
        self._commits = 0
        self._is_empty = True

    @property
    def is_long(self) -> bool:
        """Whether the next commit is to move it."""
        return self._commits >= MOST_COMMITS

    @property
    def waits_for_disk(self) -> bool:
        """Whether the next commit takes long."""
        return self._is_empty or self.is_long

    def grew(self, *, long: bool) -> None:
        """Count a commit."""
        self._commits += LONG if long else 1
        self._is_empty = False

    def moved(self, *, all_of_it: bool) -> None:
        """Begin to count anew; some of it may be left, for somebody still reads it."""
        self._commits = 0 if all_of_it else MOST_COMMITS - AGAIN_AFTER
        self._is_empty = all_of_it
