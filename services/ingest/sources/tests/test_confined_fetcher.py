import asyncio
import contextlib
import gzip
import os
import re
import resource
import signal
import sys
from pathlib import Path

import psutil
import pytest

from libs.common.errors import Rejected, Throttled, Transient, Unavailable
from libs.common.observability.metrics import Metrics
from libs.common.testing.costs.loop_watchdog import not_counted
from services.ingest.sandbox.confine import Layer
from services.ingest.sandbox.forked_process import ConfinedCodeCrashed
from services.ingest.sources import confined_fetcher
from services.ingest.sources.confined_fetcher import ConfinedFetcher, FetchLimits
from services.ingest.sources.tests.site import Dripping, answer, self_signed, serving

pytestmark = pytest.mark.slow
PORTS = (80, 443)
LIMITS = FetchLimits(max_bytes=20_000_000, timeout_seconds=20.0, allow_private=True, ports=PORTS)


@pytest.fixture
async def site():
    async with serving() as site:
        yield site


@pytest.fixture
async def fetcher():
    async with ConfinedFetcher(LIMITS) as fetcher:
        yield fetcher


def limits(
    max_bytes: int,
    timeout_seconds: float,
    *,
    allow_private: bool = False,
    ports: tuple[int, ...] = PORTS,
) -> FetchLimits:
    return FetchLimits(
        max_bytes=max_bytes,
        timeout_seconds=timeout_seconds,
        allow_private=allow_private,
        ports=ports,
    )


def server_of(fetcher: ConfinedFetcher) -> int:
    """The process id of the fetch server."""
    assert fetcher.client._server is not None
    return fetcher.client._server.process.pid


def children_of(fetcher: ConfinedFetcher) -> list[psutil.Process]:
    return psutil.Process(server_of(fetcher)).children()


async def at_work(fetcher: ConfinedFetcher) -> psutil.Process:
    """The first child that waits for a website."""
    async with asyncio.timeout(60):
        while not fetcher.client.told or not children_of(fetcher):
            await asyncio.sleep(0.02)
    return children_of(fetcher)[0]


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(60):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def code_of(fetcher: ConfinedFetcher, url: str, path: Path) -> str:
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
    of_site = limits(1000, 20.0, ports=(site.port,))
    async with ConfinedFetcher(of_site) as fetcher:
        url = site.url("/", "127.0.0.1")
        assert await code_of(fetcher, url, tmp_path / "page") == "blocked_address"
    async with ConfinedFetcher(limits(1000, 20.0)) as fetcher:
        assert await code_of(fetcher, url, tmp_path / "page") == "blocked_port"
    assert site.requests == []


async def test_a_bomb_takes_no_memory_of_the_service(fetcher, site, tmp_path):
    data = bytes(200_000_000)
    with not_counted():
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
    async with ConfinedFetcher(limits(1000, 1.0, allow_private=True)) as fetcher:
        with pytest.raises(Transient, match="in time"):
            await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")


async def test_a_server_that_does_not_speak_tls_is_worth_another_try(site, tmp_path):
    async with ConfinedFetcher(limits(1000, 1.0, allow_private=True)) as fetcher:
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


def limits_of(process: psutil.Process) -> str:
    """As Linux tells them of another user's process too."""
    return Path(f"/proc/{process.pid}/limits").read_text(encoding="ascii")


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells")
async def test_the_process_has_limits_and_knows_no_secret(fetcher, site, tmp_path, monkeypatch):
    monkeypatch.setenv("LECTERN_S3_SECRET_ACCESS_KEY", "sesame")
    site.pages["/"] = 30.0
    waiting = asyncio.create_task(fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page"))
    child = await at_work(fetcher)
    async with asyncio.timeout(60):
        while not site.requests:
            await asyncio.sleep(0.02)
    told = limits_of(child)
    for limit, most in [
        ("Max address space", 2 * 2**30),
        ("Max cpu time", 31),
        ("Max file size", LIMITS.max_bytes),
        ("Max open files", 32),
        ("Max processes", 0),
        ("Max core file size", 0),
    ]:
        [(soft, hard)] = re.findall(rf"^{limit} +(\d+) +(\d+)", told, re.M)
        assert 0 <= int(soft) <= int(hard) <= most
    environment = psutil.Process(server_of(fetcher)).environ()
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


async def waiting_for(fetcher, site, path):
    """A fetch whose process waits for a website that is silent, and that process."""
    site.pages["/silent"] = 30.0
    before = len(site.requests)
    waiting = asyncio.create_task(fetcher.fetch(site.url("/silent", "127.0.0.1"), path))
    child = await at_work(fetcher)
    async with asyncio.timeout(60):
        while len(site.requests) == before:
            await asyncio.sleep(0.02)
    return waiting, child


async def test_a_process_that_was_killed_is_worth_another_try(fetcher, site, tmp_path):
    waiting, child = await waiting_for(fetcher, site, tmp_path / "silent")
    other = asyncio.create_task(fetcher.fetch(site.url("/silent", "127.0.0.1"), tmp_path / "other"))
    child.kill()
    with pytest.raises(Transient, match="stopped"):
        await waiting
    assert not other.done()
    await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGSEGV, "unreadable"), (signal.SIGXCPU, "too_slow")]
)
async def test_a_process_that_dies_of_what_came_rejects_the_document(
    fetcher, site, tmp_path, number, code
):
    waiting, child = await waiting_for(fetcher, site, tmp_path / "page")
    child.send_signal(number)
    with pytest.raises(Rejected) as caught:
        await waiting
    assert caught.value.code == code


async def test_one_that_does_what_only_an_attack_does_is_counted(site, tmp_path):
    metrics = Metrics("ingest")
    async with ConfinedFetcher(LIMITS, metrics=metrics) as fetcher:
        waiting, child = await waiting_for(fetcher, site, tmp_path / "page")
        child.send_signal(signal.SIGSYS)  # as the filter does
        with pytest.raises(Rejected) as caught:
            await waiting
    assert caught.value.code == "unsafe"
    labels = {"service": "ingest", "process": "fetcher"}
    assert metrics.registry.get_sample_value("sandbox_attacks_total", labels) == 1


async def test_a_process_that_stands_still_is_killed(site, tmp_path, monkeypatch):
    """As one that waits for a name service, which it does in its only thread."""
    monkeypatch.setattr(confined_fetcher, "GRACE_SECONDS", 0.5)
    async with ConfinedFetcher(limits(1000, 2.0, allow_private=True)) as fetcher:
        waiting, child = await waiting_for(fetcher, site, tmp_path / "page")
        child.suspend()
        with pytest.raises(Transient, match="in time"):
            await waiting
        await gone(child)


async def test_a_hundred_websites_at_once(fetcher, site, tmp_path):
    async def one(number):
        path = tmp_path / str(number)
        await fetcher.fetch(site.url(f"/{number}", "127.0.0.1"), path)
        return path.read_bytes()

    site.pages["/7"] = answer(status="404 Not Found")
    found = await asyncio.gather(*map(one, range(100)), return_exceptions=True)
    expected = [f"<p>The page at /{number}.</p>".encode() for number in range(100)]
    assert isinstance(found[7], Rejected)
    assert found[:7] + found[8:] == expected[:7] + expected[8:]
    assert children_of(fetcher) == []


async def test_names_are_resolved_in_the_confined_process(fetcher, site, tmp_path):
    await fetcher.fetch(site.url("/", "localhost"), tmp_path / "page")
    assert f"Host: localhost:{site.port}".encode() in site.requests[-1]
    code = await code_of(fetcher, "http://b\u00fccher.invalid/", tmp_path / "page")
    assert code in ("unknown_host", "blocked_address")


async def test_certificates_are_checked_in_the_confined_process(fetcher, tmp_path):
    server, _ = self_signed(tmp_path)
    async with serving(server) as site:
        url = site.url("/", "127.0.0.1")
        assert await code_of(fetcher, url, tmp_path / "page") == "bad_certificate"


async def test_a_confined_process_can_neither_write_more_nor_read_files(fetcher, site, tmp_path):
    site.pages["/"] = answer(b"x" * 20_000_001)
    url = site.url("/", "127.0.0.1")
    assert await code_of(fetcher, url, tmp_path / "page") == "too_large"
    assert (tmp_path / "page").stat().st_size <= 20_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux")
async def test_what_confines_fetchers_is_told_and_required(site, tmp_path):
    metrics = Metrics("ingest")
    url = site.url("/", "127.0.0.1")
    async with ConfinedFetcher(LIMITS, required=True, metrics=metrics) as fetcher:
        assert await fetcher.check() is None
        with contextlib.suppress(Unavailable):  # this machine may lack one itself
            await fetcher.fetch(url, tmp_path / "page")
        for layer in Layer:
            labels = {"process": "fetcher", "layer": layer.value, "service": "ingest"}
            shown = metrics.registry.get_sample_value("sandbox_layers", labels)
            assert shown == float(layer not in (fetcher.client._missing or {}))
        fetcher.client._missing = {Layer.SECCOMP: "Invalid argument"}
        with pytest.raises(Unavailable, match=r"REQUIRE_SANDBOX.*fetcher without seccomp"):
            await fetcher.check()
        with pytest.raises(Unavailable, match="fetcher without seccomp"):
            await fetcher.fetch(url, tmp_path / "page")


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
    os.kill(server_of(fetcher), signal.SIGKILL)
    with pytest.raises(Transient, match="stopped"):
        await waiting
    await gone(child)
    await fetcher.fetch(site.url("/", "127.0.0.1"), tmp_path / "page")


async def test_a_fault_of_ours_is_kept_as_the_cause(fetcher, tmp_path):
    # None is no web address: the process stumbles over it.
    with pytest.raises(Rejected) as caught:
        await fetcher.fetch(None, tmp_path / "page")
    assert caught.value.code == "unreadable"
    assert isinstance(caught.value.__cause__, ConfinedCodeCrashed)
    assert "Traceback" in str(caught.value.__cause__)
