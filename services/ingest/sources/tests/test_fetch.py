import gzip
import io
import tracemalloc
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from libs.common.errors import Rejected, Throttled, Transient
from libs.common.public_addresses import Address, is_public, resolve
from services.ingest.sources.fetch import Resolver, WebFetcher
from services.ingest.sources.tests.site import Dripping, Site, answer, self_signed, serving


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


async def to_loopback(host: str, port: int) -> list[Address]:
    return [ip_address("127.0.0.1")]


def fetcher(**settings: float) -> WebFetcher:
    made = {"max_bytes": 1000, "timeout_seconds": 5.0, **settings}
    return WebFetcher(
        max_bytes=int(made["max_bytes"]),
        timeout_seconds=made["timeout_seconds"],
        allow_private=True,
        resolver=to_loopback,
    )


async def text_of(made: WebFetcher, url: str) -> bytes:
    sink = io.BytesIO()
    await made.fetch(url, sink)
    return sink.getvalue()


async def code_of(made: WebFetcher, url: str) -> str:
    with pytest.raises(Rejected) as caught:
        await made.fetch(url, io.BytesIO())
    return caught.value.code


async def test_body_final_url_and_name_are_returned(site):
    site.pages["/old"] = answer(status="302 Found", Location="/a/My%20Page.html?x=1#part")
    site.pages["/a/My%20Page.html?x=1"] = answer(b"<p>text</p>")
    sink = io.BytesIO()
    fetched = await fetcher().fetch(site.url("/old"), sink)
    assert sink.getvalue() == b"<p>text</p>"
    assert fetched.url == site.url("/a/My%20Page.html?x=1")
    assert fetched.filename == "My Page.html"
    assert f"Host: site.test:{site.port}".encode() in site.requests[0]


async def test_name_comes_from_content_disposition_without_folders(site):
    site.pages["/x"] = answer(b"1", Content_Disposition='attachment; filename="../../a/b.pdf"')
    assert (await fetcher().fetch(site.url("/x"), io.BytesIO())).filename == "b.pdf"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("404 Not Found", "not_found"),
        ("410 Gone", "not_found"),
        ("403 Forbidden", "forbidden"),
        ("418 Teapot", "refused"),
    ],
)
async def test_refusals(site, status, code):
    site.pages["/"] = answer(status=status)
    assert await code_of(fetcher(), site.url("/")) == code


async def test_server_errors_and_throttling_are_worth_another_try(site):
    site.pages["/"] = answer(status="503 Service Unavailable")
    with pytest.raises(Transient):
        await text_of(fetcher(), site.url("/"))
    site.pages["/"] = answer(status="429 Too Many Requests", Retry_After="7")
    with pytest.raises(Throttled) as caught:
        await text_of(fetcher(), site.url("/"))
    assert caught.value.retry_after_s == 7


@pytest.mark.slow
async def test_silence_broken_connections_and_closed_ports_are_transient(site):
    site.pages["/slow"] = 30.0
    with pytest.raises(Transient):
        await text_of(fetcher(timeout_seconds=0.2), site.url("/slow"))
    site.pages["/short"] = answer(b"abc", Content_Length="10")
    with pytest.raises(Transient):
        await text_of(fetcher(), site.url("/short"))
    with pytest.raises(Transient):
        await text_of(fetcher(), "http://site.test:1/")


async def test_too_much_is_refused_whether_announced_or_not(site):
    site.pages["/announced"] = answer(b"", Content_Length="2000")
    assert await code_of(fetcher(), site.url("/announced")) == "too_large"
    chunk = b"1f4\r\n" + bytes(500) + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    site.pages["/chunked"] = head + chunk * 3 + b"0\r\n\r\n"
    assert await code_of(fetcher(), site.url("/chunked")) == "too_large"


def packed(times: int, size: int) -> bytes:
    data = bytes(size)
    for _ in range(times):
        data = gzip.compress(data)
    return data


async def test_one_coding_is_unpacked(site):
    site.pages["/"] = answer(gzip.compress(b"text"), Content_Encoding="gzip")
    assert await text_of(fetcher(), site.url("/")) == b"text"
    assert b"accept-encoding: gzip, deflate\r\n" in site.requests[0].lower()


async def test_codings_within_codings_are_refused_before_anything_is_unpacked(site):
    bomb = packed(3, 20_000_000)
    site.pages["/"] = answer(bomb, Content_Encoding="gzip, gzip, gzip")
    tracemalloc.start()
    try:
        assert await code_of(fetcher(max_bytes=20_000_000), site.url("/")) == "unsupported_coding"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    once = answer(bomb, Content_Encoding="gzip")
    site.pages["/"] = once.replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)
    assert await code_of(fetcher(), site.url("/")) == "unsupported_coding"


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, chunked"])
async def test_codings_that_were_not_asked_for_are_refused(site, coding):
    site.pages["/"] = answer(b"data", Content_Encoding=coding)
    assert await code_of(fetcher(), site.url("/")) == "unsupported_coding"


async def test_compressed_bombs_are_counted_unpacked(site):
    site.pages["/"] = answer(packed(1, 1_000_000), Content_Encoding="gzip")
    assert await code_of(fetcher(max_bytes=100_000), site.url("/")) == "too_large"
    site.pages["/"] = answer(b"not gzip", Content_Encoding="gzip")
    assert await code_of(fetcher(), site.url("/")) == "damaged"


async def test_what_unpacks_to_nothing_has_an_end_too(site):
    nothing = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 1000
    site.pages["/"] = answer(nothing, Content_Encoding="gzip")
    assert await code_of(fetcher(max_bytes=1000), site.url("/")) == "too_large"


async def test_an_endless_body_ends_at_the_limit(site):
    site.pages["/"] = Dripping(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536))
    assert await code_of(fetcher(max_bytes=1_000_000), site.url("/")) == "too_large"


async def test_an_endless_head_ends_at_the_limit(site):
    site.pages["/"] = Dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"a" * 1000 + b"\r\n")
    with pytest.raises(Transient, match="broke the connection"):
        await text_of(fetcher(timeout_seconds=60), site.url("/"))


@pytest.mark.parametrize(
    "page",
    [
        b"<p>HTTP/0.9 has no head</p>",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd",
    ],
)
async def test_what_is_not_http_breaks_the_connection(site, page):
    site.pages["/"] = page
    with pytest.raises(Transient, match="broke the connection"):
        await text_of(fetcher(), site.url("/"))


async def test_a_body_that_is_longer_than_announced_is_cut(site):
    site.pages["/"] = answer(b"texttext", Content_Length="4")
    assert await text_of(fetcher(), site.url("/")) == b"text"


async def test_certificates_are_checked_against_the_name(tmp_path):
    server, trusting = self_signed(tmp_path)
    async with serving(server) as site:
        made = WebFetcher(allow_private=True, resolver=to_loopback)
        assert await code_of(made, site.url("/")) == "bad_certificate"
        made = WebFetcher(allow_private=True, resolver=to_loopback, tls=trusting)
        assert await code_of(made, site.url("/", "other.test")) == "bad_certificate"
        assert await text_of(made, site.url("/")) == b"<p>The page at /.</p>"


@pytest.mark.parametrize("status", ["206 Partial Content", "304 Not Modified", "300 Choices"])
async def test_what_was_not_asked_for_is_refused(site, status):
    site.pages["/"] = answer(b"" if status.startswith("304") else b"half", status=status)
    assert await code_of(fetcher(), site.url("/")) == "refused"


async def test_no_content_is_an_empty_page(site):
    site.pages["/"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert await code_of(fetcher(), site.url("/")) == "empty"


@pytest.mark.slow
async def test_endless_redirects(site):
    site.pages["/"] = answer(status="301 Moved", Location="/")
    assert await code_of(fetcher(), site.url("/")) == "too_many_redirects"
    assert len(site.requests) == 6


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "gopher://example.org/",
        "https://",
        "https://user:secret@example.org/",
        "not a url",
        "http://[::1",
        "https://example.org/" + "a" * 5000,
    ],
)
async def test_other_addresses_are_no_web_addresses(url):
    assert await code_of(WebFetcher(), url) == "bad_url"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3/",
        "http://0.0.0.0/",
    ],
)
async def test_addresses_inside_are_blocked(url):
    assert await code_of(WebFetcher(), url) == "blocked_address"


@pytest.fixture
def public_site(site, monkeypatch):
    """The site of the tests, as if it were on the public internet. All other addresses are real."""
    of_site = ip_address("127.0.0.1")
    monkeypatch.setattr(
        "services.ingest.sources.fetch.is_public",
        lambda address: address == of_site or is_public(address),
    )
    return site


def careful(site: Site, resolver: Resolver) -> WebFetcher:
    return WebFetcher(resolver=resolver, ports=frozenset((80, 443, site.port)))


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.2/", "blocked_address"),
        ("http://2130706434/", "blocked_address"),
        ("//10.0.0.1/", "blocked_address"),
        ("http://169.254.169.254/latest/meta-data/", "blocked_address"),
        ("https://[::ffff:7f00:2]/", "blocked_address"),
        ("http://[64:ff9b::a00:1]/", "blocked_address"),
        ("http://127.0.0.1:6379/", "blocked_port"),
        ("https://127.0.0.1:22/", "blocked_port"),
        ("file:///etc/passwd", "bad_url"),
        ("gopher://127.0.0.1/", "bad_url"),
        ("http://user:password@127.0.0.1/", "bad_url"),
        ("http://[::1", "bad_url"),
    ],
)
async def test_a_redirect_leads_to_no_address_that_is_not_fetched_itself(
    public_site, location, code
):
    public_site.pages["/"] = answer(status="302 Found", Location=location)
    made = careful(public_site, resolve)
    assert await code_of(made, public_site.url("/", "127.0.0.1")) == code
    assert len(public_site.requests) == 1


async def test_a_name_that_turns_inside_while_it_redirects_to_itself_is_blocked(public_site):
    """Every hop is resolved anew, and each answer is checked."""
    answers = ["127.0.0.1", "127.0.0.1", "10.0.0.1"]

    async def turning(host: str, port: int) -> list[Address]:
        return [ip_address(answers.pop(0))]

    public_site.pages["/"] = answer(status="302 Found", Location="/")
    url = public_site.url("/", "rebind.test")
    assert await code_of(careful(public_site, turning), url) == "blocked_address"
    assert len(public_site.requests) == 2
    assert answers == []


async def test_one_address_inside_among_others_blocks_the_name():
    async def mixed(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.215.14"), ip_address("10.0.0.1")]

    assert await code_of(WebFetcher(resolver=mixed), "http://mixed.test/") == "blocked_address"


async def test_a_name_is_resolved_once_per_hop_and_that_address_is_used(site):
    asked = []

    async def rebinding(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "127.0.0.99")]

    site.pages["/"] = answer(b"text")
    made = WebFetcher(allow_private=True, resolver=rebinding)
    assert await text_of(made, site.url("/", "rebind.test")) == b"text"
    assert asked == ["rebind.test"]


@pytest.mark.parametrize("port", [25, 5432, 6379, 8080])
async def test_ports_of_other_services_are_blocked(port):
    async def public(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.215.14")]

    made = WebFetcher(resolver=public)
    assert await code_of(made, f"http://example.org:{port}/") == "blocked_port"


async def test_ports_that_the_operator_allows_are_fetched():
    async def inside(host: str, port: int) -> list[Address]:
        return [ip_address("10.0.0.1")]

    made = WebFetcher(resolver=inside, ports=frozenset((8080,)))
    assert await code_of(made, "http://example.org:8080/") == "blocked_address"
    assert await code_of(made, "http://example.org/") == "blocked_port"


async def test_empty_page(site):
    site.pages["/"] = answer(b"")
    assert await code_of(fetcher(), site.url("/")) == "empty"
