"""One page amid a thousand: how long one person waits while another hands in a library.

``python -m bench.gateway.amid [--documents 1000] [--pages 1]`` starts Lectern in one process,
measures it quiet, then while the documents of somebody else come in and are spoken: many with a
page, or a few with thousands. The limits are ratios to quiet, and what people notice: 500 ms of a
POST, 150 ms of a read, at the 99th percentile.

With ``--address http://127.0.0.1:8000`` it measures a deployment that runs already, where the
environment says so of its databases: ``make up-native``, then ``.native/env``.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic

import httpx

from bench.command_line import described
from bench.measure import ROOT, python

SENTENCE = "Ships pass at night, and the keeper of the light counts them all until the morning."
QUIET_ROUNDS = 5
LOADED_ROUNDS = 5
AT_A_TIME = 8
LOOK_EVERY_S = 0.05
PATIENCE_S = 300.0


@dataclass(kw_only=True)
class Figures:
    """Seconds that requests and documents took."""

    posts: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    documents: list[float] = field(default_factory=list)
    refused: int = 0


async def main() -> int:
    """Print the figures; 1 if a limit is not met."""
    parser = described(__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=1, help="of each document of the other")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--keep", type=Path, help="data folder to use; else a temporary one")
    where.add_argument("--address", help="of a gateway that runs already; else one is started")
    asked = parser.parse_args()
    if asked.address:
        return await _measure(asked.address, [], asked)
    with tempfile.TemporaryDirectory(prefix="lectern-amid-") as temporary:
        data = asked.keep or Path(temporary)
        async with _serving(data) as address:
            return await _measure(address, ["--data", str(data)], asked)


async def _measure(address: str, installation: Sequence[str], asked: argparse.Namespace) -> int:
    """Measure it at ``address``; ``installation`` says to the command line which it is."""
    async with _client(address) as mine, _client(address) as their:
        for name, client in (("one", mine), ("many", their)):
            client.headers["Authorization"] = f"Bearer {_token(installation, name)}"
        await _until_voices(mine)
        quiet = Figures()
        for number in range(QUIET_ROUNDS + 1):
            quiet.documents.append(await _hear(mine, quiet, number))
        quiet.documents.pop(0)  # what is loaded once
        return _report(quiet, await _amid(mine, their, asked.documents, asked.pages))


async def _amid(
    mine: httpx.AsyncClient, their: httpx.AsyncClient, count: int, pages: int
) -> Figures:
    figures = Figures()
    handing_in = asyncio.create_task(_hand_in(their, figures, count, pages))
    reading = asyncio.create_task(_read_on(mine, figures))
    await asyncio.sleep(2.0)
    for number in range(LOADED_ROUNDS):
        figures.documents.append(await _hear(mine, figures, 100 + number))
    await handing_in
    reading.cancel()
    return figures


async def _hand_in(client: httpx.AsyncClient, figures: Figures, count: int, pages: int) -> None:
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            title = f"Theirs {number}"
            chapters = [f"# {title}, {at}\n\n{SENTENCE * 4}" for at in range(pages)]
            while not await _submit(client, figures, "\n\n".join(chapters)):
                figures.refused += 1
                await asyncio.sleep(1.0)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_A_TIME)))


async def _read_on(client: httpx.AsyncClient, figures: Figures) -> None:
    while True:
        began = monotonic()
        (await client.get("/documents")).raise_for_status()
        figures.reads.append(monotonic() - began)
        await asyncio.sleep(LOOK_EVERY_S)


async def _hear(client: httpx.AsyncClient, figures: Figures, number: int) -> float:
    """Hand in a page, and return the seconds until it can be heard."""
    began = monotonic()
    location = await _submit(client, figures, f"Mine {number}. {SENTENCE}")
    if location is None:
        raise RuntimeError("one page was refused")
    while monotonic() < began + PATIENCE_S:
        page = (await client.get(f"{location}/pages")).json()["items"]
        narrations = (await client.get(f"{location}/narrations")).json()["items"]
        if page and narrations and narrations[0]["state"] == "ready":
            return monotonic() - began
        await asyncio.sleep(LOOK_EVERY_S)
    raise RuntimeError("one page was not heard")


async def _submit(client: httpx.AsyncClient, figures: Figures, text: str) -> str | None:
    began = monotonic()
    answer = await client.post("/documents", json={"text": text, "narrate": {}})
    figures.posts.append(monotonic() - began)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return None
    answer.raise_for_status()
    return f"/documents/{answer.json()['document_id']}"


async def _until_voices(client: httpx.AsyncClient) -> None:
    while not (await client.get("/voices")).json()["items"]:
        await asyncio.sleep(LOOK_EVERY_S)


def _client(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=PATIENCE_S)


def _token(installation: Sequence[str], name: str) -> str:
    command = python("lectern", "token", "create", *installation, "--name", name)
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


@asynccontextmanager
async def _serving(data: Path) -> AsyncIterator[str]:
    port = 8600 + os.getpid() % 1000
    command = python("lectern", "serve", "--data", str(data), "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        if process.stderr is None:
            raise RuntimeError("the process has no standard error")
        while line := await process.stderr.readline():
            if b"is ready" in line:
                break
        else:
            raise RuntimeError("Lectern did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


def _report(quiet: Figures, loaded: Figures) -> int:
    ratio = median(loaded.documents) / median(quiet.documents)
    post, read = (_percentile(times, 99) for times in (loaded.posts, loaded.reads))
    lines = [
        ("one page, loaded / quiet", ratio, 5.0, "x"),
        ("POST, 99th percentile", post, 0.5, "s"),
        ("GET /documents, 99th percentile", read, 0.15, "s"),
    ]
    for what, value, limit, unit in lines:
        missed = "" if value <= limit else "  NOT MET"
        print(f"{what:34} {value:8.2f} {unit}   at most {limit:g}{missed}")
    for name, figures in (("quiet", quiet), ("loaded", loaded)):
        print(
            f"{name:8} page {median(figures.documents):.2f} s (most {max(figures.documents):.2f}),"
            f" POST p50 {median(figures.posts):.3f} s, reads p50 "
            f"{median(figures.reads or [0.0]):.3f} s, {figures.refused} refused"
        )
    return int(any(value > limit for _, value, limit, _ in lines))


def _percentile(times: Sequence[float], percent: int) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
