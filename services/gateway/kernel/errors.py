"""What can be wrong with a request; the API turns these into RFC 9457 problem details."""

from libs.common.errors import Permanent, Rejected


class NotFound(Permanent):
    """There is no such thing, or the caller may not know that there is."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")


class NotReady(Permanent):
    """It exists, but what was asked of it is not there yet."""

    code = "not_ready"


class NothingToRetry(Permanent):
    """It has not failed, so there is nothing that could be tried again."""

    code = "nothing_to_retry"


class AlreadyEnded(Permanent):
    """It has ended by itself, so that nobody can stop it any more."""

    code = "already_ended"


class QuotaExceeded(Rejected):
    """The owner has as much as the site allows."""

    def __init__(self, message: str) -> None:
        super().__init__("quota_exceeded", message)


class Stale(Permanent):
    """Somebody changed it meanwhile: read it again and decide again."""

    code = "stale"


class Forbidden(Permanent):
    """The caller may see it, but not do this to it."""

    code = "forbidden"
