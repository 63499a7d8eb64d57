"""What confined code may ask of the kernel: a seccomp filter of system calls and Landlock rules for files.

Both work without privileges and without user namespaces. What is not allowed here is refused with EPERM: sockets,
processes, signals to others, new mounts, tracing. Sources: seccomp(2), landlock(7), linux/filter.h.
"""

import ctypes
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Sequence
from errno import ENOSYS, EPERM
from functools import lru_cache
from pathlib import Path

EXECUTE, WRITE, READ, LIST = 1, 2, 4, 8
"""Rights of Landlock: running a file, writing and reading one, listing a directory."""
RIGHTS = ((1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
"""All rights over files that each version of Landlock knows."""
Rule = tuple[str, int]
"""A path, and what is allowed below it."""


class Syscalls:
    """The numbers of a machine's system calls, and its audit architecture."""

    def __init__(self, arch: int, numbers: str) -> None:
        self.arch = arch
        self.of = {name: int(number) for name, _, number in (one.partition("=") for one in numbers.split())}


def missing_confinement() -> str:
    """Why code cannot be confined on this machine, and what would help; empty where it can."""
    if sys.platform != "linux":
        return f"code cannot be confined on {platform.system()}: run on Linux 5.13 or later"
    if platform.machine() not in MACHINES:
        return f"code cannot be confined on {platform.machine()}: run on x86_64 or aarch64"
    if landlock_version() < 1:
        return (
            "code cannot be confined here: the kernel offers no Landlock (Linux 5.13 or later, with lsm=landlock,...)"
        )
    if not _has_seccomp():
        return "code cannot be confined here: the kernel offers no seccomp filters (CONFIG_SECCOMP_FILTER)"
    return ""


@lru_cache(maxsize=1)
def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 or less where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(MACHINES[platform.machine()].of["landlock_create_ruleset"], None, 0, 1))


@lru_cache(maxsize=1)
def _has_seccomp() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    refuse = ctypes.c_uint32(ERRNO)
    return bool(libc.syscall(MACHINES[platform.machine()].of["seccomp"], 2, 0, ctypes.byref(refuse)) == 0)


def all_rights() -> int:
    """Every right over files that this kernel's Landlock knows."""
    return RIGHTS[min(landlock_version(), len(RIGHTS)) - 1]


def rules(home: Path) -> list[Rule]:
    """What a confined interpreter may do with files: anything but running them in `home`, and what it reads."""
    return [*_readable(), (str(home), all_rights() & ~EXECUTE)]


@lru_cache(maxsize=1)
def _readable() -> tuple[Rule, ...]:
    """The standard library without site-packages, the system's libraries, and a few devices."""
    library = Path(sysconfig.get_path("stdlib"))
    parts = [p for p in library.iterdir() if p.name not in ("site-packages", "dist-packages")]
    shared = Path(sys.base_prefix, "lib").glob("libpython*.so*")
    files = [*shared, *map(Path, ("/dev/zero", "/dev/urandom", "/etc/ld.so.cache"))]
    found = [(str(library), LIST), ("/dev/null", READ | WRITE), *((str(p), READ) for p in files)]
    found += [(str(p), READ if p.is_file() else READ | LIST) for p in parts]
    found += [(p, READ | LIST) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")]
    return tuple((path, what) for path, what in found if os.path.exists(path))


@lru_cache(maxsize=1)
def system_calls() -> dict[str, int]:
    """The numbers that the confined process needs to confine itself."""
    of = MACHINES[platform.machine()].of
    return {name: of[name] for name in ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")}


def filter_program(pid: int, machine: str = "") -> bytes:
    """The seccomp filter of the process `pid`, as an array of struct sock_filter."""
    calls = MACHINES[machine or platform.machine()]
    program = [_op(LOAD, ARCH), *_unless_equal(calls.arch, [_op(RETURN, KILL)]), _op(LOAD, NUMBER)]
    if calls.arch == X86_64:
        program += [(JUMP_IF_AT_LEAST, 0, 1, X32), _op(RETURN, KILL)]
    for name, rules in _special(pid).items():
        if name in calls.of:
            program += _if_equal(calls.of[name], rules)
    for names, verdict in ((ALLOWED.split(), ALLOW), (PRETENDED, ERRNO), (("clone3",), ERRNO | ENOSYS)):
        for name in names:
            if name in calls.of:
                program += _if_equal(calls.of[name], [_op(RETURN, verdict)])
    program.append(_op(RETURN, ERRNO | EPERM))
    return b"".join(struct.pack("<HBBI", *one) for one in program)


Operation = tuple[int, int, int, int]


def _op(code: int, value: int) -> Operation:
    return (code, 0, 0, value)


def _if_equal(value: int, body: Sequence[Operation]) -> list[Operation]:
    return [(JUMP_IF_EQUAL, 0, len(body), value), *body]


def _unless_equal(value: int, body: Sequence[Operation]) -> list[Operation]:
    return [(JUMP_IF_EQUAL, len(body), 0, value), *body]


def _low(argument: int) -> Operation:
    return _op(LOAD, 16 + 8 * argument)


def _high(argument: int) -> Operation:
    return _op(LOAD, 20 + 8 * argument)


def _one_of(argument: int, values: Sequence[int]) -> list[Operation]:
    """Allowed where an argument is one of these, else refused."""
    checks = [step for value in values for step in _if_equal(value, [_op(RETURN, ALLOW)])]
    return [_low(argument), *checks, _op(RETURN, ERRNO | EPERM)]


def _opened(argument: int) -> list[Operation]:
    """No file is emptied by an opening that asks to read it: Landlock knows of truncation from its third version on."""
    refuse = _op(RETURN, ERRNO | EPERM)
    return [_low(argument), _op(AND, O_TRUNC | O_ACCMODE), *_if_equal(O_TRUNC, [refuse]), _op(RETURN, ALLOW)]


def _special(pid: int) -> dict[str, list[Operation]]:
    """Calls that are allowed with some arguments only."""
    refuse, allow = _op(RETURN, ERRNO | EPERM), _op(RETURN, ALLOW)
    stream = [*_unless_equal(SOCK_STREAM, [refuse]), allow]
    own_limits = [_low(0), *_unless_equal(0, [refuse]), _low(2), *_unless_equal(0, [refuse])]
    return {
        # Threads only: a process would be out of reach of the limits on this one.
        "clone": [_low(0), _op(AND, CLONE_THREAD), *_if_equal(0, [refuse]), allow],
        "ioctl": _one_of(1, IOCTLS),
        # F_SETOWN and F_SETSIG send any signal to any process of the same user.
        "fcntl": _one_of(1, FCNTLS),
        "prlimit64": [*own_limits, _high(2), *_unless_equal(0, [refuse]), allow],
        "tgkill": _one_of(0, (pid,)),
        # What asyncio wakes itself with. A pair of stream sockets reaches nobody; a datagram could name an address.
        "socketpair": [_low(0), *_unless_equal(AF_UNIX, [refuse]), _low(1), _op(AND, SOCKET_TYPE), *stream],
        "sendto": [_low(4), *_unless_equal(0, [refuse]), _high(4), *_unless_equal(0, [refuse]), allow],
        "open": _opened(1),
        "openat": _opened(2),
    }


LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
NUMBER, ARCH = 0, 4
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
X86_64, AARCH64, X32 = 0xC000003E, 0xC00000B7, 0x40000000
CLONE_THREAD, O_TRUNC, O_ACCMODE = 0x10000, 0o1000, 0o3
AF_UNIX, SOCK_STREAM, SOCKET_TYPE = 1, 1, 0xF
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what opening a file asks."""
FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, locks, F_DUPFD_CLOEXEC."""
ALLOWED = """
read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 pwrite64 readv
writev access select sched_yield mremap msync mincore madvise dup dup2 dup3 pause nanosleep clock_nanosleep getitimer
setitimer alarm getpid getppid gettid getuid geteuid getgid getegid exit exit_group uname flock fsync fdatasync
ftruncate getdents64 getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir unlink unlinkat readlink
readlinkat umask gettimeofday clock_gettime clock_getres time getrusage sysinfo times sigaltstack statfs fstatfs futex
sched_getaffinity set_tid_address set_robust_list get_robust_list stat lstat newfstatat ppoll poll pselect6 getrandom
statx rseq copy_file_range faccessat faccessat2 membarrier close_range fadvise64 sendfile rt_sigpending rt_sigtimedwait
rt_sigsuspend restart_syscall getcpu fallocate pipe pipe2 preadv pwritev preadv2 pwritev2 sched_getparam
sched_getscheduler getpgrp getpgid getsid getgroups getrlimit recvfrom epoll_create1 epoll_ctl epoll_wait epoll_pwait
eventfd2
"""
PRETENDED = ("chmod", "fchmod", "fchmodat", "fchmodat2", "utimensat", "utime", "utimes", "futimesat")
"""They seem to succeed and do nothing: Landlock does not hold them, and copying a file calls them."""
MACHINES = {
    "x86_64": Syscalls(
        X86_64,
        """
        read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 munmap=11 brk=12
        rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 ioctl=16 pread64=17 pwrite64=18 readv=19 writev=20 access=21
        pipe=22 select=23 sched_yield=24 mremap=25 msync=26 mincore=27 madvise=28 dup=32 dup2=33 pause=34 nanosleep=35
        getitimer=36 alarm=37 setitimer=38 getpid=39 sendfile=40 clone=56 exit=60 uname=63 fcntl=72 flock=73 fsync=74
        fdatasync=75 ftruncate=77 getcwd=79 chdir=80 fchdir=81 rename=82 mkdir=83 rmdir=84 unlink=87 readlink=89
        chmod=90 fchmod=91 umask=95 gettimeofday=96 getrlimit=97 getrusage=98 sysinfo=99 times=100 getuid=102
        getgid=104 geteuid=107 getegid=108 getppid=110 getpgrp=111 getgroups=115 getpgid=121 getsid=124
        rt_sigpending=127 rt_sigtimedwait=128 rt_sigsuspend=130 sigaltstack=131 utime=132 statfs=137 fstatfs=138
        sched_getparam=143 sched_getscheduler=145 gettid=186 time=201 futex=202 sched_getaffinity=204 getdents64=217
        set_tid_address=218 restart_syscall=219 fadvise64=221 clock_gettime=228 clock_getres=229 clock_nanosleep=230
        exit_group=231 tgkill=234 utimes=235 openat=257 mkdirat=258 futimesat=261 newfstatat=262 unlinkat=263
        renameat=264 readlinkat=267 fchmodat=268 faccessat=269 pselect6=270 ppoll=271 set_robust_list=273
        get_robust_list=274 utimensat=280 fallocate=285 dup3=292 pipe2=293 preadv=295 pwritev=296 prlimit64=302
        getcpu=309 renameat2=316 seccomp=317 getrandom=318 membarrier=324 copy_file_range=326 preadv2=327 pwritev2=328
        sendto=44 recvfrom=45 socketpair=53 epoll_wait=232 epoll_ctl=233 epoll_pwait=281 eventfd2=290 epoll_create1=291
        statx=332 rseq=334 clone3=435 close_range=436 faccessat2=439 landlock_create_ruleset=444 landlock_add_rule=445
        landlock_restrict_self=446 fchmodat2=452
        """,
    ),
    "aarch64": Syscalls(
        AARCH64,
        """
        eventfd2=19 epoll_create1=20 epoll_ctl=21 epoll_pwait=22 socketpair=199 sendto=206 recvfrom=207
        getcwd=17 dup=23 dup3=24 fcntl=25 ioctl=29 flock=32 mkdirat=34 unlinkat=35 renameat=38 statfs=43 fstatfs=44
        ftruncate=46 fallocate=47 faccessat=48 chdir=49 fchdir=50 fchmod=52 fchmodat=53 openat=56 close=57 pipe2=59
        getdents64=61 lseek=62 read=63 write=64 readv=65 writev=66 pread64=67 pwrite64=68 preadv=69 pwritev=70
        sendfile=71 pselect6=72 ppoll=73 readlinkat=78 newfstatat=79 fstat=80 fsync=82 fdatasync=83 utimensat=88
        exit=93 exit_group=94 set_tid_address=96 futex=98 set_robust_list=99 get_robust_list=100 nanosleep=101
        getitimer=102 setitimer=103 clock_gettime=113 clock_getres=114 clock_nanosleep=115 sched_getscheduler=120
        sched_getparam=121 sched_getaffinity=123 sched_yield=124 restart_syscall=128 tgkill=131 sigaltstack=132
        rt_sigsuspend=133 rt_sigaction=134 rt_sigprocmask=135 rt_sigpending=136 rt_sigtimedwait=137 rt_sigreturn=139
        times=153 getpgid=155 getsid=156 getgroups=158 uname=160 getrlimit=163 getrusage=165 umask=166 gettimeofday=169
        getpid=172 getppid=173 getuid=174 geteuid=175 getgid=176 getegid=177 gettid=178 sysinfo=179 brk=214 munmap=215
        mremap=216 clone=220 mmap=222 fadvise64=223 mprotect=226 msync=227 mincore=232 madvise=233 prlimit64=261
        renameat2=276 seccomp=277 getrandom=278 membarrier=283 copy_file_range=285 preadv2=286 pwritev2=287 statx=291
        rseq=293 getcpu=168 clone3=435 close_range=436 faccessat2=439 landlock_create_ruleset=444
        landlock_add_rule=445 landlock_restrict_self=446 fchmodat2=452
        """,
    ),
}
