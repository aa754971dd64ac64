"""Requests that another site has a browser make: refused where they would change something.

Browsers say where a request comes from in Sec-Fetch-Site, and in Origin where they speak plain HTTP
or are old. A cookie comes along all the same, so who brings one has to say so; what is no browser
brings a token instead.
"""

from http import HTTPStatus

from starlette.requests import Request

from services.gateway.http.problems import Refused

READING = {"GET", "HEAD", "OPTIONS"}
OURS = {"same-origin", "none"}


def check_same_site(request: Request, *, with_cookie: bool) -> None:
    """Return if a request changes nothing, or comes from a page of ours.

    ``with_cookie``: what says nothing of where it comes from is refused, too.

    Raises:
        Refused: It comes from elsewhere.
    """
    if request.method in READING:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        from_us = site in OURS
    elif origin is not None:
        from_us = origin.partition("://")[2] == request.headers.get("host")
    else:
        from_us = not with_cookie
    if not from_us:
        detail = "This came from a page of another site. Use a page of this one, or a token."
        raise Refused(HTTPStatus.FORBIDDEN, "cross_site", detail)


def is_embedded(request: Request) -> bool:
    """Tell whether a browser says that this is no page that somebody goes to."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    target = request.headers.get("sec-fetch-dest", "document")
    return mode != "navigate" or target != "document"


def is_part_of_another_site(request: Request) -> bool:
    """Tell whether a page of another site has a browser load this as a part of it.

    Whoever only looks at that page has not asked for anything, and does not pay for it.
    """
    return request.headers.get("sec-fetch-site", "none") not in OURS and is_embedded(request)
