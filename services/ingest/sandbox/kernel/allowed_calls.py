"""Which system calls a confined process may do, with which arguments, and their numbers.

Found by ``strace`` of parsers on documents of every kind, and of fetchers on websites of every
kind. Numbers: ``asm/unistd_64.h`` of x86-64 and ``asm-generic/unistd.h``, which arm64 uses.
"""

import mmap
import os
import socket
from collections.abc import Mapping
from fcntl import F_GETFD, F_GETFL
from typing import Literal, NamedTuple

Machine = Literal["x86_64", "aarch64"]

_ALL_BITS = 0xFFFFFFFF
_F_DUPFD_CLOEXEC = 1030
_FIONREAD, _FIONBIO = 0x541B, 0x5421
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_MSG_FASTOPEN = 0x20000000
_SOCKET_TYPE = 0xF
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class ArgumentTest(NamedTuple):
    """An argument, counted from 0, of which the bits of ``mask`` have to be one of ``values``.

    Only half of it is looked at: the lower 32 bits, or the upper ones.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = _ALL_BITS
    upper: bool = False


class Call(NamedTuple):
    """The number of a system call on each machine, None where it does not exist.

    ``only`` lists ways in which it may be done, each of which is conditions that all have to hold;
    if it is empty, any way.
    """

    x86_64: int | None
    aarch64: int | None
    only: tuple[tuple[ArgumentTest, ...], ...] = ()


Calls = Mapping[str, Call]

_READS_ITS_OWN = (ArgumentTest(0, (0,)), ArgumentTest(2, (0,)), ArgumentTest(2, (0,), upper=True))


def _option(level: int, option: int) -> tuple[ArgumentTest, ...]:
    return ArgumentTest(1, (level,)), ArgumentTest(2, (option,))


COMPUTING: Calls = {
    "read": Call(0, 63),
    "write": Call(1, 64),
    "lseek": Call(8, 62),
    "munmap": Call(11, 215),
    "brk": Call(12, 214),
    "mremap": Call(25, 216),
    "madvise": Call(28, 233),
    "futex": Call(202, 98),
    "close": Call(3, 57),
    "fstat": Call(5, 80),
    "pread64": Call(17, 67),
    "readv": Call(19, 65),
    "writev": Call(20, 66),
    "rt_sigaction": Call(13, 134),
    "rt_sigprocmask": Call(14, 135),
    "rt_sigreturn": Call(15, 139),
    "sigaltstack": Call(131, 132),
    "restart_syscall": Call(219, 128),
    "getpid": Call(39, 172),
    "getppid": Call(110, 173),
    "gettid": Call(186, 178),
    "getrandom": Call(318, 278),
    "getrusage": Call(98, 165),
    "gettimeofday": Call(96, 169),
    "time": Call(201, None),
    "times": Call(100, 153),
    "clock_gettime": Call(228, 113),
    "clock_getres": Call(229, 114),
    "clock_nanosleep": Call(230, 115),
    "nanosleep": Call(35, 101),
    "sched_yield": Call(24, 124),
    "sysinfo": Call(99, 179),
    "membarrier": Call(324, 283),
    "rseq": Call(334, 293),
    "exit": Call(60, 93),
    "exit_group": Call(231, 94),
    "mmap": Call(9, 222, ((ArgumentTest(2, (0,), mmap.PROT_EXEC),),)),
    "mprotect": Call(10, 226, ((ArgumentTest(2, (0,), mmap.PROT_EXEC),),)),
    "fcntl": Call(72, 25, ((ArgumentTest(1, (F_GETFD, F_GETFL, _F_DUPFD_CLOEXEC)),),)),
    "prlimit64": Call(302, 261, (_READS_ITS_OWN,)),
}
"""Reads, computes and ends. Nothing of it opens, makes, sends or starts anything."""

FETCHING: Calls = {
    "openat": Call(257, 56, ((ArgumentTest(2, (0,), _WRITING),),)),
    "newfstatat": Call(262, 79),  # glibc before 2.39 asks so about files that are open
    "socket": Call(
        41,
        198,
        (
            (
                ArgumentTest(0, (socket.AF_INET, socket.AF_INET6)),
                ArgumentTest(1, (socket.SOCK_STREAM, socket.SOCK_DGRAM), _SOCKET_TYPE),
                ArgumentTest(2, (0, socket.IPPROTO_TCP, socket.IPPROTO_UDP)),
            ),
        ),
    ),
    "connect": Call(42, 203),
    "getsockname": Call(51, 204),
    "getpeername": Call(52, 205),
    "shutdown": Call(48, 210),
    "setsockopt": Call(
        54,
        208,
        (
            _option(socket.IPPROTO_TCP, socket.TCP_NODELAY),
            _option(socket.IPPROTO_IP, _IP_RECVERR),
            _option(socket.IPPROTO_IPV6, _IPV6_RECVERR),
        ),
    ),
    "getsockopt": Call(55, 209, (_option(socket.SOL_SOCKET, socket.SO_ERROR),)),
    "sendto": Call(44, 206, ((ArgumentTest(3, (0,), _MSG_FASTOPEN),),)),
    "sendmsg": Call(46, 211, ((ArgumentTest(2, (0,), _MSG_FASTOPEN),),)),
    "sendmmsg": Call(307, 269, ((ArgumentTest(3, (0,), _MSG_FASTOPEN),),)),
    "recvfrom": Call(45, 207),
    "recvmsg": Call(47, 212),
    "ioctl": Call(16, 29, ((ArgumentTest(1, (_FIONREAD, _FIONBIO)),),)),
    "poll": Call(7, None),
    "ppoll": Call(271, 73),
    "epoll_ctl": Call(233, 21),
    "epoll_wait": Call(232, None),
    "epoll_pwait": Call(281, 22),
}
"""Opens files to read them, resolves names, and speaks TCP and UDP with others.

Protocols that Landlock does not see (multipath TCP, SCTP) are left out, as is sending before a
connection (TCP Fast Open), which it does not see either. glibc asks for sockets of other families
too, and does without them.
"""

ATTACKS: Calls = {
    "socket": Call(41, 198),
    "socketpair": Call(53, 199),
    "connect": Call(42, 203),
    "fork": Call(57, None),
    "vfork": Call(58, None),
    "execve": Call(59, 221),
    "execveat": Call(322, 281),
    "ptrace": Call(101, 117),
    "process_vm_readv": Call(310, 270),
    "process_vm_writev": Call(311, 271),
    "pidfd_getfd": Call(438, 438),
    "process_madvise": Call(440, 440),
    "mount": Call(165, 40),
    "unshare": Call(272, 97),
    "setns": Call(308, 268),
    "bpf": Call(321, 280),
    "io_uring_setup": Call(425, 425),
    "perf_event_open": Call(298, 241),
    "userfaultfd": Call(323, 282),
    "add_key": Call(248, 217),
    "request_key": Call(249, 218),
    "keyctl": Call(250, 219),
}
"""No library that we use does these, for any reason: who does them was taken over."""
