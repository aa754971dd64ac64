import os
import subprocess
import sys

import pytest

from services.ingest.sandbox.rules import NAME_SERVICE_FILES
from services.ingest.sources.fetch_server import Fetching

pytestmark = pytest.mark.slow

FETCHES = r"""
import asyncio, gzip, io, sys, tempfile
from pathlib import Path
from libs.common.errors import LecternError
from services.ingest.sources.fetch import WebFetcher
from services.ingest.sources.fetch_server import Fetching, _resolve
from services.ingest.sources.tests.site import answer, self_signed, serving

async def main():
    folder = Path(tempfile.mkdtemp())
    server, trusting = self_signed(folder, "localhost")
    async with serving() as plain, serving(server) as encrypted:
        loaded = set(sys.modules)
        plain.pages |= {
            "/gzip": answer(gzip.compress(b"text"), Content_Encoding="gzip"),
            "/name": answer(b"text", Content_Disposition="inline; filename*=utf-8''R%C3%A4.pdf"),
            "/latin": answer(b"text", Content_Disposition="inline; filename*=iso-8859-1''%E4.pdf"),
            "/old": answer(status="302 Found", Location="/new?x=1#part"),
            "/cookie": answer(b"x", Set_Cookie="a=b; expires=Thu, 01 Jan 2099 00:00:00 GMT"),
            "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "/nonsense": b"nonsense",
            "/busy": answer(status="503 Service Unavailable"),
            "/silent": 9.0,
        }
        urls = [plain.url(path, "localhost") for path in ("/", "/\u00fc", *plain.pages)]
        urls += [encrypted.url("/", "localhost"), encrypted.url("/", "127.0.0.1")]
        urls += ["http://b\u00fccher.invalid/", "http://localhost:1/", "gopher://x/"]
        for url in urls:
            web = WebFetcher(
                allow_private=True, timeout_seconds=1, tls=trusting, resolver=_resolve
            )
            try:
                await web.fetch(url, io.BytesIO())
            except LecternError:
                pass
    print(*sorted(set(sys.modules) - loaded))

Fetching().preload()
asyncio.run(main())
"""


def test_all_that_fetching_loads_is_loaded_before():
    """A child may read no file, so it cannot import anything."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", FETCHES], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "\n"


def test_its_children_read_what_resolving_takes_and_nothing_of_ours():
    assert Fetching.rules.readable == NAME_SERVICE_FILES
