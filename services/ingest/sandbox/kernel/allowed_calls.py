"""Which system calls a parser may do, and their numbers.

Found by ``strace`` of parsers on documents of every kind; what reads, computes and ends. Nothing of
it opens, makes, sends or starts anything. Numbers: ``asm/unistd_64.h`` of x86-64 and
``asm-generic/unistd.h``, which arm64 uses.
"""

from typing import Literal, NamedTuple

Machine = Literal["x86_64", "aarch64"]


class Numbers(NamedTuple):
    """The number of a system call on each machine; None where it does not exist."""

    x86_64: int | None
    aarch64: int | None


ALLOWED = {
    "read": Numbers(0, 63),
    "write": Numbers(1, 64),
    "lseek": Numbers(8, 62),
    "munmap": Numbers(11, 215),
    "brk": Numbers(12, 214),
    "mremap": Numbers(25, 216),
    "madvise": Numbers(28, 233),
    "futex": Numbers(202, 98),
    "close": Numbers(3, 57),
    "fstat": Numbers(5, 80),
    "pread64": Numbers(17, 67),
    "readv": Numbers(19, 65),
    "writev": Numbers(20, 66),
    "rt_sigaction": Numbers(13, 134),
    "rt_sigprocmask": Numbers(14, 135),
    "rt_sigreturn": Numbers(15, 139),
    "sigaltstack": Numbers(131, 132),
    "restart_syscall": Numbers(219, 128),
    "getpid": Numbers(39, 172),
    "getppid": Numbers(110, 173),
    "gettid": Numbers(186, 178),
    "getrandom": Numbers(318, 278),
    "getrusage": Numbers(98, 165),
    "gettimeofday": Numbers(96, 169),
    "time": Numbers(201, None),
    "times": Numbers(100, 153),
    "clock_gettime": Numbers(228, 113),
    "clock_getres": Numbers(229, 114),
    "clock_nanosleep": Numbers(230, 115),
    "nanosleep": Numbers(35, 101),
    "sched_yield": Numbers(24, 124),
    "sysinfo": Numbers(99, 179),
    "membarrier": Numbers(324, 283),
    "rseq": Numbers(334, 293),
    "exit": Numbers(60, 93),
    "exit_group": Numbers(231, 94),
}
"""May be done in any way."""

MMAP = Numbers(9, 222)
MPROTECT = Numbers(10, 226)
FCNTL = Numbers(72, 25)
PRLIMIT = Numbers(302, 261)

ATTACKS = {
    "socket": Numbers(41, 198),
    "socketpair": Numbers(53, 199),
    "connect": Numbers(42, 203),
    "fork": Numbers(57, None),
    "vfork": Numbers(58, None),
    "execve": Numbers(59, 221),
    "execveat": Numbers(322, 281),
    "ptrace": Numbers(101, 117),
    "process_vm_readv": Numbers(310, 270),
    "process_vm_writev": Numbers(311, 271),
    "pidfd_getfd": Numbers(438, 438),
    "process_madvise": Numbers(440, 440),
    "mount": Numbers(165, 40),
    "unshare": Numbers(272, 97),
    "setns": Numbers(308, 268),
    "bpf": Numbers(321, 280),
    "io_uring_setup": Numbers(425, 425),
    "perf_event_open": Numbers(298, 241),
    "userfaultfd": Numbers(323, 282),
    "add_key": Numbers(248, 217),
    "request_key": Numbers(249, 218),
    "keyctl": Numbers(250, 219),
}
"""No library that reads documents does these, for any reason: who does them was taken over."""
