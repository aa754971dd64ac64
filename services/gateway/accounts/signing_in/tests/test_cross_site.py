import pytest
from starlette.requests import Request

from services.gateway.accounts.signing_in.cross_site import (
    check_same_site,
    is_embedded,
    is_part_of_another_site,
)
from services.gateway.http.problems import Refused


def request(method="POST", **headers):
    pairs = [(b"host", b"lectern.example.org:8443")]
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "headers": pairs})


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"origin": "https://lectern.example.org:8443"},
    ],
)
def test_what_comes_from_us_is_let_through(headers):
    check_same_site(request(**headers), with_cookie=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://lectern.example.org:8443"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "anything"},
        {"origin": "null"},
        {"origin": "https://lectern.example.org"},
        {"origin": "https://lectern.example.org:8443.evil.example"},
        {"origin": "http://["},
        {"origin": ""},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_comes_from_elsewhere_is_refused(headers, method):
    for with_cookie in (True, False):
        with pytest.raises(Refused):
            check_same_site(request(method, **headers), with_cookie=with_cookie)


def test_who_says_nothing_is_a_program_unless_there_is_a_cookie():
    check_same_site(request(), with_cookie=False)
    with pytest.raises(Refused):
        check_same_site(request(), with_cookie=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing(method):
    check_same_site(request(method, sec_fetch_site="cross-site"), with_cookie=True)


@pytest.mark.parametrize(
    ("headers", "embedded"),
    [
        ({}, False),
        ({"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, False),
        ({"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, True),
        ({"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, True),
        ({"sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}, True),
    ],
)
def test_what_a_page_loads_is_no_page_that_somebody_goes_to(headers, embedded):
    assert is_embedded(request("GET", **headers)) is embedded
    for site, elsewhere in (("cross-site", True), ("same-site", True), ("same-origin", False)):
        asked = request("GET", sec_fetch_site=site, **headers)
        assert is_part_of_another_site(asked) is (embedded and elsewhere)
