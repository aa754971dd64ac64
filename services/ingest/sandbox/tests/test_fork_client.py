import asyncio
import os
import signal
import socket

import psutil
import pytest

from libs.common.errors import Rejected, Transient, Unavailable
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.fork_client import ForkClient
from services.ingest.sandbox.forked_process import Pipe

pytestmark = pytest.mark.slow

PROGRAM = "services.ingest.sandbox.tests.echo"


@pytest.fixture
def folder():
    """A descriptor that children do nothing with."""
    fd = os.open("/", os.O_RDONLY)
    yield fd
    os.close(fd)


async def test_a_child_is_forked_and_says_what_it_was_asked_for(folder):
    async with ForkClient("echo", PROGRAM) as client:
        assert not client.told
        assert client.check() is None
        process = await client.fork(folder, {"say": "hello"}, Limits())
        await process.started()
        _, said = await process.frame(30.0)
        process.end()
        assert client.told
    assert said == b"hello"


async def test_a_program_that_does_not_start_is_unavailable(folder):
    async with ForkClient("echo", "services.ingest.sandbox.tests.absent") as client:
        with pytest.raises(Unavailable, match="the echo ended while it started"):
            await client.prepare()


async def test_a_server_that_died_is_started_again(folder):
    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        assert client._server is not None
        client._server.process.kill()
        client._server.process.wait()
        process = await client.fork(folder, {"say": "again"}, Limits())
        await process.started()
        assert (await process.frame(30.0))[1] == b"again"
        process.end()


async def test_a_request_that_would_hold_up_all_others_is_refused(folder):
    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        with pytest.raises(Rejected, match="too long"):
            await client.fork(folder, {"say": "x" * 100_000}, Limits())
        process = await client.fork(folder, {"say": "x" * 60_000}, Limits())
        await process.started()
        assert len((await process.frame(30.0))[1]) == 60_000
        process.end()


@pytest.mark.parametrize("opened", [0, 1])
async def test_who_is_cancelled_while_a_child_begins_leaves_nothing_open(
    folder, monkeypatch, opened
):
    open_pipe, calls = Pipe.open, []

    async def cancelled_then(fd):
        calls.append(fd)
        pipe = await open_pipe(fd)
        if len(calls) > opened:
            pipe.close()
            raise asyncio.CancelledError
        return pipe

    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        before = psutil.Process().num_fds()
        with monkeypatch.context() as patched:
            patched.setattr(Pipe, "open", cancelled_then)
            with pytest.raises(asyncio.CancelledError):
                await client.fork(folder, {"say": "hello"}, Limits())
        await asyncio.sleep(0.01)
        assert psutil.Process().num_fds() == before


async def test_requests_to_a_server_that_takes_none_are_unavailable(folder):
    async def forever(client: ForkClient) -> None:
        while True:
            (await client.fork(folder, {"say": "x" * 9000}, Limits())).end()

    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        assert client._server is not None
        client._server.process.send_signal(signal.SIGSTOP)
        before = psutil.Process().num_fds()
        with pytest.raises(Transient, match="takes no requests"):
            await forever(client)
        await asyncio.sleep(0)
        assert psutil.Process().num_fds() <= before + 2
        client._server.process.kill()


async def test_a_server_that_got_half_a_request_is_replaced(folder, monkeypatch):
    """It would take the next one for the other half."""
    send = socket.send_fds

    def half(control, buffers, fds):
        return send(control, [b"".join(buffers)[:20]], fds)

    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        with monkeypatch.context() as patched:
            patched.setattr(socket, "send_fds", half)
            with pytest.raises(Transient, match="takes no requests"):
                await client.fork(folder, {"say": "hello"}, Limits())
        process = await client.fork(folder, {"say": "again"}, Limits())
        await process.started()
        assert (await process.frame(30.0))[1] == b"again"
        process.end()


async def test_a_server_whose_word_was_lost_is_replaced(monkeypatch):
    """Who is cancelled just when it comes has read it, and it says no other."""
    await_ready = ForkClient._await_ready
    lost: list[bytes] = []

    async def cancelled_once(client, control):
        if not lost:
            lost.append(await asyncio.get_running_loop().sock_recv(control, 4096))
            raise asyncio.CancelledError
        await await_ready(client, control)

    monkeypatch.setattr(ForkClient, "_await_ready", cancelled_once)
    async with ForkClient("echo", PROGRAM) as client:
        with pytest.raises(asyncio.CancelledError):
            await client.prepare()
        async with asyncio.timeout(30):
            await client.prepare()
        assert client.told


async def test_without_descriptors_nothing_is_left_open(folder, monkeypatch):
    pipe = os.pipe
    made: list[tuple[int, int]] = []

    def one_pipe():
        if made:
            raise OSError(24, "Too many open files")
        made.append(pipe())
        return made[0]

    async with ForkClient("echo", PROGRAM) as client:
        await client.prepare()
        before = psutil.Process().num_fds()
        with monkeypatch.context() as patched:
            patched.setattr(os, "pipe", one_pipe)
            with pytest.raises(Unavailable, match="no descriptors"):
                await client.fork(folder, {"say": "hello"}, Limits())
        assert psutil.Process().num_fds() == before
