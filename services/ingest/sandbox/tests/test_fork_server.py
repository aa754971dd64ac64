import errno
import json
import os
import socket

import psutil
import pytest

from libs.common.errors import LecternError, Rejected, Transient
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.fork_client import ForkClient
from services.ingest.sandbox.fork_server import ForkServer, _Child
from services.ingest.sandbox.forked_process import ConfinedCodeCrashed
from services.ingest.sandbox.tests.echo import Echo

pytestmark = pytest.mark.slow


@pytest.fixture
async def client():
    async with ForkClient("echo", "services.ingest.sandbox.tests.echo") as client:
        yield client


async def asked(client: ForkClient, **request: str) -> LecternError:
    """Return the error that a child ends with."""
    fd = os.open("/", os.O_RDONLY)
    process = await client.fork(fd, request, Limits())
    os.close(fd)
    try:
        await process.started()
        with pytest.raises(LecternError) as caught:
            await process.frame(30.0)
        return caught.value
    finally:
        process.end()


async def test_a_child_says_what_became_of_it(client):
    crashed = await asked(client, say="fail")
    assert isinstance(crashed.__cause__, ConfinedCodeCrashed)
    assert "RuntimeError: as asked" in str(crashed.__cause__)
    too_complex = await asked(client, say="memory")
    assert isinstance(too_complex, Rejected)
    assert too_complex.code == "too_complex"
    full = await asked(client, say="disk")
    assert isinstance(full, Transient)
    assert "No space left on device" in str(full)
    assert "/a/path" not in str(full)


async def test_a_child_that_cannot_begin_ends_alone(client):
    """The request lacks what the program asks for."""
    crashed = await asked(client)
    assert "KeyError: 'say'" in str(crashed.__cause__)
    assert isinstance(await asked(client, say="disk"), Transient)


async def test_a_child_that_has_finished_was_reaped(client):
    fd = os.open("/", os.O_RDONLY)
    process = await client.fork(fd, {"say": "hello"}, Limits())
    os.close(fd)
    await process.started()
    await process.finish()
    process.end()
    assert client._server is not None
    assert psutil.Process(client._server.process.pid).children() == []


def test_a_child_for_which_the_machine_lacks_something_says_so_by_its_exit_code(monkeypatch):
    def too_many(*_):
        raise OSError(errno.ENFILE, "Too many open files in system")

    answer, written = os.pipe()
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", too_many)
        pid = os.fork()
        if pid == 0:
            _Child(Echo(), parent=os.getppid(), missing={}).run(written, written, {})
    os.close(written)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == os.EX_TEMPFAIL
    assert os.read(answer, 1) == b""
    os.close(answer)


def test_a_fork_that_fails_ends_nothing_else(monkeypatch):
    def too_many():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", too_many)
    ours, theirs = socket.socketpair()
    wakeup, status, answer = os.pipe(), os.pipe(), os.pipe()
    server = ForkServer(Echo(), theirs, wakeup[0])
    request = json.dumps({}).encode()
    socket.send_fds(
        ours, [len(request).to_bytes(4, "big") + request], [answer[1], status[1], wakeup[1]]
    )
    for fd in (answer[1], status[1]):
        os.close(fd)
    assert server._accept()
    assert os.read(status[0], 1) == os.read(answer[0], 1) == b""
    ours.close()
    assert not server._accept()
    theirs.close()
    for fd in (*wakeup, status[0], answer[0]):
        os.close(fd)
