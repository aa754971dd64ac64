"""A process that children are forked from, one for each document, so that none waits for imports.

It serves the socket whose number is the argument of the program, and ends when the other side
closes it, taking its children with it. Its first word is a line of JSON: the layers that its
children lack, and why. A request is a length (4 bytes, big endian) that carries three file
descriptors, and JSON. Frames with what the child has to say go to the first descriptor; the second
gets two lines: the child's process id and, once it is dead, its wait status; the third is the file
that it reads or writes.
"""

import contextlib
import errno
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn, Protocol

from libs.common.errors import Rejected, Transient
from services.ingest.pages.reasons import Reason, blames_file, rejected
from services.ingest.sandbox import frames
from services.ingest.sandbox.confine import Layer, Limits, Missing, confine
from services.ingest.sandbox.kernel import calls
from services.ingest.sandbox.rules import Rules

FILE_FD = 4
"""Where a child finds its file."""

_ANSWER_FD = 3
_FREE_FD = 10
_FDS = 3
_LENGTH_BYTES = 4


class ConfinedTask(NamedTuple):
    """What a child does: once it has nothing left but ``rules``, ``work`` yields its frames."""

    rules: Rules
    work: Callable[[], Iterator[bytes]]


class ForkedProgram(Protocol):
    """What the children of a fork server are for. ``rules`` are those of most of them."""

    rules: Rules

    def preload(self) -> None:
        """Load all that children need: they may read no file of ours."""
        ...

    def task(self, request: dict[str, Any]) -> ConfinedTask:
        """Open what ``request`` needs besides the file. Is called by the child."""
        ...


def serve(program: ForkedProgram) -> None:
    """Serve requests until the service closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    with contextlib.suppress(OSError):  # its children must not be able to change it
        calls.prctl(calls.PR_SET_DUMPABLE, 0)
    ForkServer(program, control, wakeup_read).serve()


class ForkServer:
    """Forks a child per request and reports how each of them ended."""

    def __init__(self, program: ForkedProgram, control: socket.socket, wakeup: int) -> None:
        self._program = program
        self._control = control
        self._wakeup = wakeup
        self._children: dict[int, int] = {}
        self._missing: Missing = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(wakeup, select.POLLIN)

    def serve(self) -> None:
        """Serve until the service closes its end, or is gone; then end the children too."""
        try:
            # A service that was killed, or closed its end before it read our word, resets the
            # connection or breaks off a request.
            with contextlib.suppress(ConnectionError, EOFError):
                self._serve()
        finally:
            self._end()

    def _serve(self) -> None:
        """Load what children need, say what confines them, and serve."""
        self._program.preload()
        gc.freeze()  # keeps the collector from copying shared pages into every child
        self._missing = _tried(self._program.rules)
        said = {layer.value: why for layer, why in self._missing.items()}
        self._control.sendall(json.dumps(said).encode() + b"\n")
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._wakeup:
                    os.read(self._wakeup, 4096)
                    self._reap()
                elif not self._accept():
                    return

    def _accept(self) -> bool:
        raw, fds, _, _ = socket.recv_fds(self._control, _LENGTH_BYTES, _FDS)
        if not raw:
            return False
        request = json.loads(_exactly(self._control, int.from_bytes(raw, "big")))
        answer, status, file = fds
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:  # too many processes: the service sees that nothing was started
            for fd in (answer, status, file):
                os.close(fd)
            return True
        if pid == 0:
            _Child(self._program, parent=server, missing=self._missing).run(answer, file, request)
        os.close(answer)
        os.close(file)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)  # the child does the same: whoever comes first
        self._children[pid] = status
        _tell(status, pid)
        return True

    def _reap(self) -> None:
        for pid in list(self._children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                fd = self._children.pop(pid)
                _tell(fd, status)
                os.close(fd)

    def _end(self) -> None:
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = control.recv(size - len(data))
        if not more:
            raise EOFError("the service closed the socket in the middle of a request")
        data += more
    return data


def _tell(fd: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for this document any more
        os.write(fd, b"%d\n" % number)


def _tried(rules: Rules) -> Missing:
    """Return the layers that a child lacks, by the word of one that has put them on."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            missing = confine(Limits(), rules)
            os.write(
                write, json.dumps({layer.value: why for layer, why in missing.items()}).encode()
            )
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        said = json.loads(answer.read())
    os.waitpid(pid, 0)
    return {Layer(name): why for name, why in said.items()}


class _Child:
    """The process of one document. ``missing`` are the layers that it may lack."""

    def __init__(self, program: ForkedProgram, *, parent: int, missing: Missing) -> None:
        self._program = program
        self._parent = parent
        self._missing = missing

    def run(self, answer: int, file: int, request: dict[str, Any]) -> NoReturn:
        """Do what was asked for and end, whatever happens.

        Its exit code tells what came to nothing for want of something of the machine.
        """
        code = os.EX_TEMPFAIL
        try:
            _keep_two_descriptors(answer, file)
            try:
                _report(self._frames(request))
            except BrokenPipeError:
                pass  # nobody waits for this document any more
            except OSError as error:
                reason = error.strerror or type(error).__name__  # without a path
                failure = Transient(f"the document could not be read just now: {reason}")
                _write(frames.of_failure(failure))
            code = os.EX_OK
        finally:
            os._exit(code)

    def _frames(self, request: dict[str, Any]) -> Iterator[bytes]:
        task = self._program.task(request)
        self._confine(Limits(**request["limits"]), task.rules)
        yield from task.work()

    def _confine(self, limits: Limits, rules: Rules) -> None:
        lacking = confine(limits, rules).keys() - self._missing.keys()
        if lacking:
            raise OSError(
                errno.EPERM, f"the kernel refused {min(layer.value for layer in lacking)}"
            )
        if os.getppid() != self._parent:  # it ended before the kernel knew that we end with it
            os._exit(0)


def _keep_two_descriptors(*given: int) -> None:
    """Become leader of a process group; keep what the answer and the file are on."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    answer, file = (fcntl.fcntl(fd, fcntl.F_DUPFD, _FREE_FD) for fd in given)
    os.dup2(answer, _ANSWER_FD)
    os.dup2(file, FILE_FD)
    for fd in range(_ANSWER_FD):
        os.dup2(null, fd)
    os.closerange(FILE_FD + 1, os.sysconf("SC_OPEN_MAX"))


def _report(found: Iterator[bytes]) -> None:
    """Write the frames that are found, and why there are no more if that is an error."""
    try:
        for frame in found:
            _write(frame)
    except Rejected as error:
        _write(frames.of_rejection(error))
    except Transient as error:
        _write(frames.of_failure(error))
    except MemoryError:
        _write(frames.of_rejection(rejected(Reason.TOO_COMPLEX)))
    except RecursionError:
        _write(frames.of_rejection(rejected(Reason.UNSAFE)))
    except OSError as error:
        if error.errno == errno.ENOMEM:
            _write(frames.of_rejection(rejected(Reason.TOO_COMPLEX)))
        elif blames_file(error):
            _write(frames.of_crash())
        else:
            raise
    except Exception:  # any way it can fail on what a stranger sent is an answer, not a crash
        _write(frames.of_crash())


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_ANSWER_FD, view) :]
