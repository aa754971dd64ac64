import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import ip_address

import pytest

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.sources.addresses import Address
from services.ingest.sources.fetch import WebFetcher


class Site:
    """A web server that answers from a table and remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.port = 0
        self.pages: dict[str, bytes | float] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            answer = self.pages[request.split()[1].decode()]
            if isinstance(answer, float):
                await asyncio.sleep(answer)
            else:
                writer.write(answer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.port}{path}"


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        yield site
        for task in site.tasks:
            task.cancel()
        await asyncio.gather(*site.tasks, return_exceptions=True)


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


async def code_of(made: WebFetcher, url: str) -> str:
    with pytest.raises(Rejected) as caught:
        await made.get(url)
    return caught.value.code


async def test_body_final_url_and_name_are_returned(site, tmp_path):
    site.pages["/old"] = answer(status="302 Found", Location="/a/My%20Page.html?x=1#part")
    site.pages["/a/My%20Page.html?x=1"] = answer(b"<p>text</p>")
    fetched = await fetcher().get(site.url("/old"))
    assert fetched.data == b"<p>text</p>"
    assert fetched.url == site.url("/a/My%20Page.html?x=1")
    assert fetched.filename == "My Page.html"
    assert f"Host: site.test:{site.port}".encode() in site.requests[0]
    assert await fetcher().fetch(site.url("/old"), tmp_path / "page") == "My Page.html"
    assert (tmp_path / "page").read_bytes() == b"<p>text</p>"


async def test_name_comes_from_content_disposition_without_folders(site):
    site.pages["/x"] = answer(b"1", Content_Disposition='attachment; filename="../../a/b.pdf"')
    assert (await fetcher().get(site.url("/x"))).filename == "b.pdf"


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
        await fetcher().get(site.url("/"))
    site.pages["/"] = answer(status="429 Too Many Requests", Retry_After="7")
    with pytest.raises(Throttled) as caught:
        await fetcher().get(site.url("/"))
    assert caught.value.retry_after_s == 7


@pytest.mark.slow
async def test_silence_broken_connections_and_closed_ports_are_transient(site):
    site.pages["/slow"] = 30.0
    with pytest.raises(Transient):
        await fetcher(timeout_seconds=0.2).get(site.url("/slow"))
    site.pages["/short"] = answer(b"abc", Content_Length="10")
    with pytest.raises(Transient):
        await fetcher().get(site.url("/short"))
    with pytest.raises(Transient):
        await fetcher().get("http://site.test:1/")


async def test_too_much_is_refused_whether_announced_or_not(site):
    site.pages["/announced"] = answer(b"", Content_Length="2000")
    assert await code_of(fetcher(), site.url("/announced")) == "too_large"
    chunk = b"1f4\r\n" + bytes(500) + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    site.pages["/chunked"] = head + chunk * 3 + b"0\r\n\r\n"
    assert await code_of(fetcher(), site.url("/chunked")) == "too_large"


async def test_compressed_bombs_are_counted_unpacked(site):
    import gzip

    packed = gzip.compress(bytes(1_000_000))
    site.pages["/"] = answer(packed, Content_Encoding="gzip")
    assert await code_of(fetcher(max_bytes=100_000), site.url("/")) == "too_large"
    site.pages["/"] = answer(b"not gzip", Content_Encoding="gzip")
    assert await code_of(fetcher(), site.url("/")) == "damaged"


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


async def test_a_redirect_to_an_address_inside_is_blocked(site):
    async def split(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1" if host == "inside.test" else "93.184.215.14")]

    made = WebFetcher(resolver=split)
    assert await code_of(made, "http://inside.test/") == "blocked_address"


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
    assert (await made.get(site.url("/", "rebind.test"))).data == b"text"
    assert asked == ["rebind.test"]


async def test_well_known_ports_of_other_services_are_blocked():
    async def public(host: str, port: int) -> list[Address]:
        return [ip_address("93.184.215.14")]

    assert await code_of(WebFetcher(resolver=public), "http://example.org:25/") == "blocked_address"


async def test_empty_page(site):
    site.pages["/"] = answer(b"")
    assert await code_of(fetcher(), site.url("/")) == "empty"
