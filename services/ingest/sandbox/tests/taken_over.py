"""What native code would try that has taken over a parser or a fetcher.

``python -m ....taken_over parser|fetcher [LAYER...]``

Each attempt runs in a process of its own, which first puts on the layers that are named. Prints
JSON: for each attempt ``done``, ``refused: ERRNO`` or ``killed: SIGNAL``. Needs nothing but Python,
so that it runs in an image as well. Attempts are system calls by number, past all that Python
forbids.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from services.ingest.sandbox.confine import Limits, keep_to_itself, mapped_bytes, set_limits
from services.ingest.sandbox.kernel.calls import prctl, system_call
from services.ingest.sandbox.kernel.landlock import give_up_files
from services.ingest.sandbox.kernel.own_user import become_own_user
from services.ingest.sandbox.kernel.seccomp import give_up_calls
from services.ingest.sandbox.rules import PARSER, Rules, fetcher

NO_NEW_PRIVS = 38
LAYERS = ("user", "process", "landlock", "limits", "seccomp")
X86 = platform.machine() == "x86_64"
AT_FDCWD = ctypes.c_int(-100)
REPORT_FD = 3
DOCUMENT_FD = 4
PROGRAM_FD = 5
PTRACE_SEIZE = 0x4206
SECRET = b"of another owner"
kept = ctypes.create_string_buffer(SECRET)
"""At the same address in the parent, which the parser was forked from."""


def number(on_x86: int, on_arm: int) -> int:
    return on_x86 if X86 else on_arm


class Target:
    """What there is to attack: files of others, the parent, a sibling, servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.fsencode(folder)
        self.other = os.fsencode(folder / "other")
        (folder / "other").write_bytes(SECRET)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.website = socket.create_server(("127.0.0.1", 0))
        self.website_port = self.website.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp_port = self.udp.getsockname()[1]
        self.abstract = b"\0" + self.folder
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(self.abstract)
        self.unix.listen()
        self.sibling = subprocess.Popen(["/bin/sleep", "300"])
        self.parent = os.getpid()


def put_on(layer: str, rules: Rules, mapped: int) -> None:
    steps: dict[str, Callable[[], None]] = {
        "user": become_own_user,
        "process": keep_to_itself,
        "limits": lambda: set_limits(Limits(open_files=7), mapped),
        "landlock": lambda: give_up_files(rules.readable, rules.ports),
        "seccomp": lambda: give_up_calls(rules.calls),
    }
    steps[layer]()


def opened(path: bytes, flags: int = os.O_RDONLY) -> int:
    return system_call(number(257, 56), AT_FDCWD, path, ctypes.c_int(flags), ctypes.c_int(0o600))


def read(path: bytes) -> None:
    fd = opened(path)
    system_call(number(0, 63), fd, ctypes.create_string_buffer(64), ctypes.c_size_t(64))


def at(name: tuple[int, int], *arguments: object) -> None:
    system_call(number(*name), *arguments)


def read_a_file_of_the_system(target: Target) -> None:
    read(b"/etc/passwd")


def read_the_name_servers(target: Target) -> None:
    read(b"/etc/resolv.conf")


def learn_the_size_of_a_file(target: Target) -> None:
    at((262, 79), AT_FDCWD, target.other, ctypes.create_string_buffer(256), ctypes.c_int(0))


def read_another_document(target: Target) -> None:
    read(target.other)


def read_the_environment_of_the_parent(target: Target) -> None:
    read(b"/proc/%d/environ" % target.parent)


def read_the_environment_of_the_first_process(target: Target) -> None:
    read(b"/proc/1/environ")


def read_its_own_environment(target: Target) -> None:
    read(b"/proc/self/environ")


def read_memory_of_the_parent(target: Target) -> None:
    opened(b"/proc/%d/mem" % target.parent)


def list_a_folder(target: Target) -> None:
    fd = opened(target.folder, os.O_RDONLY | os.O_DIRECTORY)
    at((217, 61), fd, ctypes.create_string_buffer(1024), ctypes.c_size_t(1024))


def tell_whether_a_file_is_there(target: Target) -> None:
    at((439, 439), AT_FDCWD, target.other, ctypes.c_int(0), ctypes.c_int(0))


def open_a_device(target: Target) -> None:
    opened(b"/dev/zero")


def write_a_file(target: Target) -> None:
    fd = opened(target.folder + b"/new", os.O_WRONLY | os.O_CREAT)
    at((1, 64), fd, b"x", ctypes.c_size_t(1))


def write_by_mapping(target: Target) -> None:
    fd = opened(target.other, os.O_RDWR)
    address = ctypes.CDLL(None, use_errno=True).mmap
    address.restype = ctypes.c_void_p
    found = address(None, ctypes.c_size_t(8), 3, 1, fd, ctypes.c_long(0))
    if found in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    ctypes.memset(found, 0x78, 4)


def truncate_a_file(target: Target) -> None:
    at((76, 45), target.other, ctypes.c_long(1))


def remove_a_file(target: Target) -> None:
    at((263, 35), AT_FDCWD, target.other, ctypes.c_int(0))


def rename_a_file(target: Target) -> None:
    at((316, 276), AT_FDCWD, target.other, AT_FDCWD, target.folder + b"/renamed", ctypes.c_int(0))


def make_a_folder(target: Target) -> None:
    at((258, 34), AT_FDCWD, target.folder + b"/folder", ctypes.c_int(0o700))


def make_a_symbolic_link(target: Target) -> None:
    at((266, 36), b"/etc", AT_FDCWD, target.folder + b"/link")


def make_a_hard_link(target: Target) -> None:
    link = target.folder + b"/hard"
    at((265, 37), AT_FDCWD, target.other, AT_FDCWD, link, ctypes.c_int(0))


def make_a_named_pipe(target: Target) -> None:
    at((259, 33), AT_FDCWD, target.folder + b"/fifo", ctypes.c_int(0o010600), ctypes.c_int(0))


def change_rights_of_a_file(target: Target) -> None:
    at((268, 53), AT_FDCWD, target.other, ctypes.c_int(0o777))


def change_rights_of_the_document(target: Target) -> None:
    at((91, 52), ctypes.c_int(DOCUMENT_FD), ctypes.c_int(0o777))


def change_times_of_a_file(target: Target) -> None:
    at((280, 88), AT_FDCWD, target.other, None, ctypes.c_int(0))


def mark_a_file(target: Target) -> None:
    at((188, 5), target.other, b"user.x", b"x", ctypes.c_size_t(1), ctypes.c_int(0))


def fork(target: Target) -> None:
    if system_call(number(56, 220), ctypes.c_ulong(signal.SIGCHLD), None, None, None, None) == 0:
        os._exit(0)


def fork_as_of_old(target: Target) -> None:
    if not X86:
        return fork(target)
    if system_call(57) == 0:
        os._exit(0)
    return None


def fork_as_of_late(target: Target) -> None:
    arguments = ctypes.create_string_buffer(struct.pack("=QQQQQQQQ", 0, 0, 0, 0, 17, 0, 0, 0))
    if system_call(435, arguments, ctypes.c_size_t(64)) == 0:
        os._exit(0)


def start_a_thread(target: Target) -> None:
    try:
        threading.Thread(target=lambda: None).start()
    except RuntimeError as error:
        raise PermissionError(errno.EPERM, "no thread") from error


def run_a_program(target: Target) -> None:
    arguments = (ctypes.c_char_p * 4)(b"echo", b"-n", b"done", None)
    at((59, 221), b"/bin/echo", arguments, None)


def run_a_program_by_descriptor(target: Target) -> None:
    arguments = (ctypes.c_char_p * 4)(b"echo", b"-n", b"done", None)
    at((322, 281), ctypes.c_int(PROGRAM_FD), b"", arguments, None, ctypes.c_int(0x1000))


def leave_its_group(target: Target) -> None:
    at((112, 157))


def outlive_its_parent(target: Target) -> None:
    prctl(1, 0)


def let_others_look_in(target: Target) -> None:
    prctl(4, 1)


def signal_the_parent(target: Target) -> None:
    at((62, 129), ctypes.c_int(target.parent), ctypes.c_int(signal.SIGCONT))


def signal_a_sibling(target: Target) -> None:
    at((62, 129), ctypes.c_int(target.sibling.pid), ctypes.c_int(signal.SIGCONT))


def signal_by_descriptor(target: Target) -> None:
    at((72, 25), ctypes.c_int(REPORT_FD), ctypes.c_int(8), ctypes.c_int(target.sibling.pid))


def trace_the_parent(target: Target) -> None:
    at((101, 117), ctypes.c_long(PTRACE_SEIZE), ctypes.c_long(target.parent), None, None)


def read_the_parent(target: Target) -> None:
    here = ctypes.create_string_buffer(len(SECRET))
    size = len(SECRET)
    to = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(here), size))
    of = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(kept), size))
    one = ctypes.c_ulong(1)
    at((310, 270), ctypes.c_int(target.parent), to, one, of, one, ctypes.c_ulong(0))


def take_a_descriptor_of_the_parent(target: Target) -> None:
    fd = system_call(434, ctypes.c_int(target.parent), ctypes.c_uint(0))
    at((438, 438), ctypes.c_int(fd), ctypes.c_int(0), ctypes.c_uint(0))


def slow_the_parent_down(target: Target) -> None:
    at((141, 140), ctypes.c_int(0), ctypes.c_int(target.parent), ctypes.c_int(1))


def limit_the_parent(target: Target) -> None:
    limits = ctypes.create_string_buffer(struct.pack("=QQ", 0, 1 << 20))
    core = ctypes.c_int(4)
    at((302, 261), ctypes.c_int(target.parent), core, limits, None)


def change_its_own_limits(target: Target) -> None:
    limits = ctypes.create_string_buffer(struct.pack("=QQ", 0, 0))
    at((302, 261), ctypes.c_int(0), ctypes.c_int(4), limits, None)


def new_socket(family: int, kind: int, protocol: int = 0) -> int:
    return system_call(
        number(41, 198), ctypes.c_int(family), ctypes.c_int(kind), ctypes.c_int(protocol)
    )


def make_a_socket(target: Target) -> None:
    new_socket(2, 1)


def make_a_socket_of_ipv6(target: Target) -> None:
    new_socket(10, 2)


def make_a_socket_to_the_kernel(target: Target) -> None:
    new_socket(16, 3)


def make_a_socket_to_the_host(target: Target) -> None:
    new_socket(40, 1)


def make_a_raw_socket(target: Target) -> None:
    new_socket(2, 3, 1)


def make_a_pair_of_sockets(target: Target) -> None:
    at((53, 199), ctypes.c_int(1), ctypes.c_int(1), ctypes.c_int(0), (ctypes.c_int * 2)())


def on_loopback(port: int) -> tuple[bytes, ctypes.c_int]:
    address = struct.pack("=H", 2) + struct.pack(">HBBBB", port, 127, 0, 0, 1) + bytes(8)
    return address, ctypes.c_int(len(address))


def connect_to_a_server(target: Target) -> None:
    at((42, 203), new_socket(2, 1), *on_loopback(target.port))


def connect_to_a_website(target: Target) -> None:
    at((42, 203), new_socket(2, 1), *on_loopback(target.website_port))


def connect_by_multipath_tcp(target: Target) -> None:
    at((42, 203), new_socket(2, 1, 262), *on_loopback(target.port))


def connect_by_fast_open(target: Target) -> None:
    one, fast_open = ctypes.c_size_t(1), ctypes.c_int(0x20000000)
    at((44, 206), new_socket(2, 1), b"x", one, fast_open, *on_loopback(target.port))


def send_a_datagram(target: Target) -> None:
    one, no_flags = ctypes.c_size_t(1), ctypes.c_int(0)
    at((44, 206), new_socket(2, 2), b"x", one, no_flags, *on_loopback(target.udp_port))


def serve(target: Target) -> None:
    fd = ctypes.c_int(new_socket(2, 1))
    at((49, 200), fd, *on_loopback(0))
    at((50, 201), fd, ctypes.c_int(1))


def serve_on_any_port(target: Target) -> None:
    at((50, 201), ctypes.c_int(new_socket(2, 1)), ctypes.c_int(1))


def set_an_option_of_a_socket(target: Target) -> None:
    on = ctypes.byref(ctypes.c_int(1))
    fd, level, option = ctypes.c_int(new_socket(2, 1)), ctypes.c_int(1), ctypes.c_int(2)
    at((54, 208), fd, level, option, on, ctypes.c_int(4))


def connect_to_an_abstract_socket(target: Target) -> None:
    address = struct.pack("=H", 1) + target.abstract
    at((42, 203), new_socket(1, 1), address, ctypes.c_int(len(address)))


def make_a_ring(target: Target) -> None:
    at((425, 425), ctypes.c_uint(1), ctypes.create_string_buffer(120))


def load_a_program_into_the_kernel(target: Target) -> None:
    attribute = ctypes.create_string_buffer(struct.pack("=IIIII", 2, 4, 4, 1, 0) + bytes(100))
    at((321, 280), ctypes.c_int(0), attribute, ctypes.c_uint(72))


def watch_the_processor(target: Target) -> None:
    attribute = ctypes.create_string_buffer(struct.pack("=IIQ", 1, 112, 0) + bytes(96))
    here, any_processor = ctypes.c_int(0), ctypes.c_int(-1)
    at((298, 241), attribute, here, any_processor, ctypes.c_int(-1), ctypes.c_ulong(0))


def handle_faults(target: Target) -> None:
    at((323, 282), ctypes.c_int(1))


def use_the_keyring(target: Target) -> None:
    at((248, 217), b"user", b"lectern", b"x", ctypes.c_size_t(1), ctypes.c_int(-2))


def share_memory(target: Target) -> None:
    at((29, 194), ctypes.c_int(0), ctypes.c_size_t(4096), ctypes.c_int(0o1600))


def make_semaphores(target: Target) -> None:
    at((64, 190), ctypes.c_int(0), ctypes.c_int(1), ctypes.c_int(0o1600))


def make_a_queue_of_messages(target: Target) -> None:
    at((68, 186), ctypes.c_int(0), ctypes.c_int(0o1600))


def make_a_file_of_memory(target: Target) -> None:
    at((319, 279), b"x", ctypes.c_uint(0))


def make_a_pipe(target: Target) -> None:
    at((293, 59), (ctypes.c_int * 2)(), ctypes.c_int(0))


def watch_a_file(target: Target) -> None:
    fd = system_call(number(294, 26), ctypes.c_int(0))
    at((254, 27), ctypes.c_int(fd), target.other, ctypes.c_uint(1))


def make_code(target: Target) -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def turn_data_into_code(target: Target) -> None:
    page = mmap.mmap(-1, 4096)
    here = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    at((10, 226), here, ctypes.c_size_t(4096), ctypes.c_int(5))


def change_what_memory_may(target: Target) -> None:
    at((135, 92), ctypes.c_ulong(0x0400000))


def enter_namespaces_of_its_own(target: Target) -> None:
    at((272, 97), ctypes.c_int(0x10000000))


def put_on_a_filter_of_its_own(target: Target) -> None:
    at((317, 277), ctypes.c_uint(2), ctypes.c_uint(0), ctypes.create_string_buffer(2))


def call_as_x32(target: Target) -> None:
    """The same calls by other numbers, which a list of numbers forgets."""
    if not X86:
        raise PermissionError(errno.EPERM, "not here")
    system_call(0x40000000 + 39)


ATTEMPTS = {
    name: attempt
    for name, attempt in list(globals().items())
    if getattr(attempt, "__annotations__", {}).get("target") is Target
}


def outcome(
    attempt: Callable[[Target], None], target: Target, rules: Rules, layers: Sequence[str]
) -> str:
    """Return how one attempt ended, in a process of its own; what it prints is its report."""
    report_read, report_write = os.pipe()
    document = os.open(target.other, os.O_RDONLY)
    program = os.open("/bin/echo", os.O_RDONLY)
    child = os.fork()
    if child == 0:
        for fd, source in enumerate((report_write, document, program), 20):
            os.dup2(source, fd)
        for fd, source in ((1, 20), (REPORT_FD, 20), (DOCUMENT_FD, 21), (PROGRAM_FD, 22)):
            os.dup2(source, fd)
        os.closerange(PROGRAM_FD + 1, 256)
        _attempt(attempt, target, rules, layers)
    for fd in (report_write, document, program):
        os.close(fd)
    with os.fdopen(report_read, "rb") as report:
        said = report.read().decode()
    _, status = os.waitpid(child, 0)
    died_of = -os.waitstatus_to_exitcode(status)
    return f"killed: {signal.Signals(died_of).name}" if died_of > 0 else said


def _attempt(
    attempt: Callable[[Target], None], target: Target, rules: Rules, layers: Sequence[str]
) -> None:
    said = b"broken"
    try:
        prctl(NO_NEW_PRIVS, 1)
        mapped = mapped_bytes()
        for layer in layers:
            put_on(layer, rules, mapped)
        try:
            attempt(target)
            said = b"done"
        except OSError as error:
            said = f"refused: {errno.errorcode.get(error.errno or 0, '?')}".encode()
    finally:
        os.write(REPORT_FD, said)
        os._exit(0)


def main() -> None:
    layers = [layer for layer in LAYERS if layer in sys.argv[2:]]
    found = {}
    for name, attempt in ATTEMPTS.items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            target = Target(Path(folder))
            try:
                websites = fetcher([target.website_port])
                rules = websites if sys.argv[1] == "fetcher" else PARSER
                found[name] = outcome(attempt, target, rules, layers)
            finally:
                target.sibling.kill()
                target.sibling.wait()
    sys.stdout.write(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
