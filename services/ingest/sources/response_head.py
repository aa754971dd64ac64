"""What the head of a website's answer means."""

import re
from email.message import Message
from urllib.parse import unquote

import httpx

from libs.common.errors import Rejected, Throttled, Transient

LONGEST_WAIT_S = 3600.0
"""Of a website that asks for more, the page is asked for again after that."""

_MAX_NAME_CHARS = 200
_SECONDS = re.compile(r"[0-9]{1,9}")
_TRY_AGAIN = frozenset((408, 425))
_GONE = frozenset((404, 410))
_NOT_FOR_US = frozenset((401, 402, 403, 407, 451))


def check_status(response: httpx.Response) -> None:
    """Return if the body is the page.

    Raises:
        Rejected: There is no such page, it is not for us, or only a part of it comes, unasked.
        Throttled: The website asks for fewer requests.
        Transient: It says that it may work later.
    """
    status = response.status_code
    if response.is_success and status != httpx.codes.PARTIAL_CONTENT:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled("the website asks for fewer requests", _retry_after_s(response))
    if response.is_server_error or status in _TRY_AGAIN:
        raise Transient(f"the website answered with status {status}")
    if status in _GONE:
        raise Rejected("not_found", "There is no page at this web address.")
    if status in _NOT_FOR_US:
        raise Rejected("forbidden", "The website does not allow us to read this page.")
    raise Rejected("refused", f"The website refused to answer (status {status}).")


def filename_of(response: httpx.Response, url: httpx.URL) -> str | None:
    """Return the name from ``Content-Disposition`` (RFC 6266), else the end of the path."""
    message = Message()
    message["content-disposition"] = response.headers.get("content-disposition", "")
    name = message.get_filename() or unquote(url.path.rpartition("/")[2])
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", name)[-1]).strip(". ")
    return name[:_MAX_NAME_CHARS] or None


def _retry_after_s(response: httpx.Response) -> float | None:
    after = response.headers.get("retry-after", "").strip()
    return min(float(after), LONGEST_WAIT_S) if _SECONDS.fullmatch(after) else None
