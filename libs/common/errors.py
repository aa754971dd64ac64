"""Errors, sorted by what the consumer loop and the workers do with them.

* any other exception    a bug: dead-lettered, counted; too many in a row stop the service
* LecternError
  + Transient            retried with exponential backoff and jitter, then treated as Permanent
    - Unavailable        a dependency did not answer
    - Throttled          a provider asked us to slow down
  + UnknownVersion       what is read is newer than the code: a partition is paused, a job waits
  + Permanent            no retry: a failure event, ``task.failed``, an alert
    - Malformed          a message is not what its topic promises
    - ObjectNotFound     nothing is stored under a key
    - ObjectCorrupt      what is stored is not what the reference promised
    - Conflict           the stream moved on; reload and decide again, or answer 409
    - Rejected           the work itself is at fault, and the sentence says how, for its owner
"""


class LecternError(Exception):
    """Base of every error this codebase raises on purpose."""

    code: str = "error"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process pools; by default one whose __init__ takes more than its message
        # cannot be unpickled, and breaks the pool.
        return _revive, (type(self), self.args, self.__dict__)


class Transient(LecternError):
    """May succeed if tried again: a timeout, a lost connection, a full queue."""

    code = "transient"


class Unavailable(Transient):
    """A dependency did not answer."""

    code = "unavailable"


class Throttled(Transient):
    """A provider asked us to slow down.

    ``retry_after_s`` is what it asked for, in seconds, when it said so.
    """

    code = "throttled"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Permanent(LecternError):
    """Will fail the same way every time: bad input, a missing object."""

    code = "permanent"


class Malformed(Permanent):
    """A message is not the JSON its topic promises."""

    code = "malformed"

    def __init__(self, event: str, why: str = "") -> None:
        super().__init__(f"not a readable {event}" + (f": {why}" if why else ""))


class UnknownVersion(LecternError):
    """What is read is newer than the code: it has version ``found``, ``known`` is ours."""

    code = "unknown_version"

    def __init__(self, event: str, found: int, known: int) -> None:
        super().__init__(f"{event} v{found} is newer than v{known}; upgrade this service")
        self.found = found
        self.known = known


class ObjectNotFound(Permanent):
    """No object is stored under the key."""

    code = "object_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"nothing is stored under {key!r}")


class ObjectCorrupt(Permanent):
    """The stored bytes do not have the size or digest of their reference."""

    code = "object_corrupt"

    def __init__(self, key: str) -> None:
        super().__init__(f"the object under {key!r} is not what its reference promised")


class Conflict(Permanent):
    """Somebody else appended to the stream first."""

    code = "conflict"

    def __init__(self, stream: str) -> None:
        super().__init__(f"somebody else appended to stream {stream!r} first")
        self.stream = stream


class Rejected(Permanent):
    """The work itself is at fault.

    ``code`` is for machines, the message is a sentence for the owner of the document: what was
    wrong and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _revive(kind: type[LecternError], args: tuple[object, ...], state: dict[str, object]) -> object:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error
