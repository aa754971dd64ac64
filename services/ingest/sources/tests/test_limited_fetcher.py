import asyncio
import gzip
import os
import resource
import signal
from pathlib import Path

import psutil
import pytest

from libs.common.errors import Rejected, Throttled, Transient
from services.ingest.sources.limited_fetcher import FetcherCrashed, FetchLimits, LimitedFetcher
from services.ingest.sources.tests.site import Dripping, answer, serving

pytestmark = pytest.mark.slow
LIMITS = FetchLimits(max_bytes=20_000_000, timeout_seconds=20.0, allow_private=True)


@pytest.fixture
async def site():
    async with serving() as site:
        yield site


@pytest.fixture
async def fetcher():
    async with LimitedFetcher(LIMITS) as fetcher:
        yield fetcher


def children_of(fetcher: LimitedFetcher) -> list[psutil.Process]:
    assert fetcher._server is not None
    return psutil.Process(fetcher._server.process.pid).children()


async def at_work(fetcher: LimitedFetcher) -> psutil.Process:
    """The first child that waits for a website."""
    async with asyncio.timeout(60):
        while fetcher._server is None or not children_of(fetcher):
            await asyncio.sleep(0.02)
    return children_of(fetcher)[0]


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(60):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def code_of(fetcher: LimitedFetcher, url: str, path: Path) -> str:
    with pytest.raises(Rejected) as caught:
        await fetcher.fetch(url, path)
    return caught.value.code


async def test_what_a_website_answers_is_in_the_file(fetcher, site, tmp_path):
    site.pages["/a.html"] = answer(gzip.compress(b"text"), Content_Encoding="gzip")
    url = site.url("/a.html", "127.0.0.1")
    assert await fetcher.fetch(url, tmp_path / "page") == "a.html"
    assert (tmp_path / "page").read_bytes() == b"text"
    assert await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page") is None
    assert (tmp_path / "page").read_bytes() == b"<p>The page at /.</p>"


async def test_what_is_wrong_is_told_in_the_same_words(fetcher, site, tmp_path):
    site.pages["/"] = answer(status="404 Not Found")
    assert await code_of(fetcher, site.url("/", "127.0.0.1"), tmp_path / "page") == "not_found"
    assert await code_of(fetcher, "ftp://example.org/", tmp_path / "page") == "bad_url"
    site.pages["/"] = answer(status="429 Too Many Requests", Retry_After="7")
    with pytest.raises(Throttled) as throttled:
        await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")
    assert throttled.value.retry_after_s == 7
    site.pages["/"] = answer(status="429 Too Many Requests")
    with pytest.raises(Throttled) as throttled:
        await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")
    assert throttled.value.retry_after_s is None
    site.pages["/"] = answer(status="503 Service Unavailable")
    with pytest.raises(Transient, match="status 503"):
        await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")


async def test_private_addresses_are_refused_also_behind_a_redirect(site, tmp_path):
    async with LimitedFetcher(FetchLimits(1000, 20.0)) as fetcher:
        url = site.url("/", "127.0.0.1")
        assert await code_of(fetcher, url, tmp_path / "page") == "blocked_address"
    assert site.requests == []


async def test_a_bomb_takes_no_memory_of_the_service(fetcher, site, tmp_path):
    data = bytes(200_000_000)
    for _ in range(3):
        data = gzip.compress(data, 9 if len(data) < 10**6 else 1)
    site.pages["/"] = answer(data, Content_Encoding="gzip, gzip, gzip")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    url = site.url("/", "127.0.0.1")
    assert await code_of(fetcher, url, tmp_path / "page") == "unsupported_coding"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


@pytest.mark.parametrize(
    "page",
    [
        Dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a", pause_s=0.05),
        Dripping(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n", pause_s=0.05),
        Dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", pause_s=0.05),
        30.0,
    ],
)
async def test_a_website_that_drips_or_is_silent_ends_at_the_deadline(site, tmp_path, page):
    site.pages["/"] = page
    async with LimitedFetcher(FetchLimits(1000, 1.0, allow_private=True)) as fetcher:
        with pytest.raises(Transient, match="in time"):
            await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")


async def test_a_server_that_does_not_speak_tls_is_worth_another_try(site, tmp_path):
    async with LimitedFetcher(FetchLimits(1000, 1.0, allow_private=True)) as fetcher:
        url = site.url("/", "127.0.0.1").replace("http:", "https:")
        with pytest.raises(Transient):
            await fetcher.fetch(url, tmp_path / "page")


async def test_websites_are_fetched_side_by_side(fetcher, site, tmp_path):
    site.pages["/silent"] = 30.0
    silent = asyncio.create_task(
        fetcher.fetch(site.url("/silent", "127.0.0.1"), tmp_path / "silent")
    )
    await at_work(fetcher)
    await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")
    assert not silent.done()
    silent.cancel()
    await asyncio.gather(silent, return_exceptions=True)


async def test_the_process_has_limits_and_knows_no_secret(fetcher, site, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_S3_SECRET_ACCESS_KEY", "sesame")
    site.pages["/"] = 30.0
    waiting = asyncio.create_task(fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page"))
    child = await at_work(fetcher)
    async with asyncio.timeout(60):
        while not site.requests:
            await asyncio.sleep(0.02)
    for limit, most in [
        (resource.RLIMIT_AS, 2 * 2**30),
        (resource.RLIMIT_CPU, 30),
        (resource.RLIMIT_FSIZE, LIMITS.max_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ]:
        soft, hard = resource.prlimit(child.pid, limit)
        assert (soft, hard) == (hard, hard)
        assert 0 <= soft <= most
    assert fetcher._server is not None
    environment = psutil.Process(fetcher._server.process.pid).environ()
    assert "PATH" in environment
    assert "sesame" not in environment.values()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await gone(child)


async def test_whoever_is_cancelled_leaves_no_process(fetcher, site, tmp_path):
    site.pages["/"] = 30.0
    waiting = asyncio.create_task(fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page"))
    child = await at_work(fetcher)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await gone(child)


async def test_a_process_that_dies_without_a_word_rejects_the_document(fetcher, site, tmp_path):
    site.pages["/"] = 30.0
    waiting = asyncio.create_task(fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page"))
    child = await at_work(fetcher)
    async with asyncio.timeout(60):
        while not site.requests:
            await asyncio.sleep(0.02)
    child.kill()
    with pytest.raises(Rejected) as caught:
        await waiting
    assert caught.value.code == "unreadable"


async def test_a_server_that_dies_takes_its_children_along_and_is_started_again(
    fetcher, site, tmp_path
):
    site.pages["/silent"] = 30.0
    waiting = asyncio.create_task(
        fetcher.fetch(site.url("/silent", "127.0.0.1"), tmp_path / "silent")
    )
    child = await at_work(fetcher)
    async with asyncio.timeout(60):
        while not site.requests:
            await asyncio.sleep(0.02)
    assert fetcher._server is not None
    os.kill(fetcher._server.process.pid, signal.SIGKILL)
    with pytest.raises(Transient, match="stopped"):
        await waiting
    await gone(child)
    await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")


async def test_a_fault_of_ours_is_kept_as_the_cause(fetcher, tmp_path):
    # None is no web address: the process stumbles over it.
    with pytest.raises(Rejected) as caught:
        await fetcher.fetch(None, tmp_path / "page")
    assert caught.value.code == "unreadable"
    assert isinstance(caught.value.__cause__, FetcherCrashed)
    assert "Traceback" in str(caught.value.__cause__)
