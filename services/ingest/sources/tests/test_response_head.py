import httpx
import pytest

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.sources.response_head import LONGEST_WAIT_S, check_status, filename_of

PAGE = httpx.URL("https://example.org/a/My%20Page.html?x=1")


@pytest.mark.parametrize("status", [200, 201, 203])
def test_pages(status):
    check_status(httpx.Response(status))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (206, "refused"),
        (300, "refused"),
        (304, "refused"),
        (401, "forbidden"),
        (404, "not_found"),
        (410, "not_found"),
        (418, "refused"),
        (451, "forbidden"),
    ],
)
def test_no_pages(status, code):
    with pytest.raises(Rejected) as caught:
        check_status(httpx.Response(status))
    assert caught.value.code == code


@pytest.mark.parametrize("status", [408, 425, 500, 503])
def test_what_may_work_later(status):
    with pytest.raises(Transient):
        check_status(httpx.Response(status))


@pytest.mark.parametrize(
    ("after", "waits_s"),
    [
        ("7", 7.0),
        ("86400", LONGEST_WAIT_S),
        ("9" * 400, None),
        ("²", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_website_says_when_and_no_longer_than_an_hour(after, waits_s):
    headers = [(b"Retry-After", after.encode())]
    with pytest.raises(Throttled) as caught:
        check_status(httpx.Response(429, headers=headers))
    assert caught.value.retry_after_s == waits_s


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="../../a/b.pdf"', "b.pdf"),
        ("attachment; filename*=utf-8''R%C3%A4uber.pdf", "Räuber.pdf"),
        ('attachment; filename="..\\\\c.pdf"', "c.pdf"),
        ("attachment", "My Page.html"),
        ("", "My Page.html"),
        ('attachment; filename="' + "a" * 500 + '"', "a" * 200),
    ],
)
def test_names(disposition, name):
    response = httpx.Response(200, headers={"Content-Disposition": disposition})
    assert filename_of(response, PAGE) == name


def test_no_name():
    assert filename_of(httpx.Response(200), httpx.URL("https://example.org/")) is None
