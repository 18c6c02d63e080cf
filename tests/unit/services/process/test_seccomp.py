"""What children may ask of the kernel: as the filter says it, and as this kernel does it."""

import errno
import json
import platform
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import av
import pytest

from services.process import seccomp
from services.process.child import Bounds
from services.process.pools import Pool
from services.process.syscalls import (
    ARCHITECTURES,
    CLONE,
    CONNECT,
    SENDTO,
    SOCKET,
    Machine,
    denied,
)
from services.process.video.ffmpeg import program
from services.process.video.ffmpeg.ffmpeg import Ffmpeg, find
from services.process.video.ffmpeg.program import Program
from shared.errors import EngineUnavailable
from shared.workspace import Attempt
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")

BOUNDS = Bounds(memory_bytes=8 * 2**30, file_bytes=2**20, open_files=64, niceness=0)
ALLOWED, REFUSED = 0x7FFF0000, 0x00050000 | errno.ENOSYS
NOBODY_LISTENS = 0x00050000 | errno.ENOENT
MACHINE = cast(Machine, platform.machine())
MACHINES: tuple[Machine, ...] = ("x86_64", "aarch64")
UNIX, INTERNET, NEW_USER = 1, 2, 0x10000000


def verdict(filter_: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the kernel's packet filter makes of a system call."""
    seen = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    at = loaded = 0
    while True:
        code, yes, no, operand = struct.unpack_from("<HBBI", filter_, 8 * at)
        match code:
            case 0x06:
                return int(operand)
            case 0x20:
                (loaded,) = struct.unpack_from("<I", seen, operand)
                holds = False
                yes = no = 0
            case 0x15:
                holds = loaded == operand
            case 0x35:
                holds = loaded >= operand
            case _:
                holds = bool(loaded & operand)
        at += 1 + (yes if holds else no)


@pytest.mark.parametrize("machine", MACHINES)
def test_refuses_what_it_lists_and_nothing_else(machine: Machine) -> None:
    filter_, architecture = seccomp.compiled(machine), ARCHITECTURES[machine]
    answers = {n: verdict(filter_, architecture, n) for n in range(600)}
    assert answers.pop(CONNECT[machine]) == NOBODY_LISTENS
    refused = {number for number, answer in answers.items() if answer != ALLOWED}
    assert refused == {*denied(machine).values(), SOCKET[machine]}  # family 0 is not Unix
    assert {answers[number] for number in refused} == {REFUSED}


@pytest.mark.parametrize("machine", MACHINES)
def test_looks_at_the_arguments_where_they_decide(machine: Machine) -> None:
    judged = partial(verdict, seccomp.compiled(machine), ARCHITECTURES[machine])
    families = {family for family in range(64) if judged(SOCKET[machine], family) == ALLOWED}
    assert families == {UNIX}
    assert judged(SENDTO[machine], 3, 4, 5, 6, 0, 0) == ALLOWED
    for address in (0x7FFF12345678, 0x12345678, 0x7FFF00000000):
        assert judged(SENDTO[machine], 3, 4, 5, 6, address, 16) == REFUSED
    assert judged(CLONE[machine], 0x3D0F00) == ALLOWED  # a thread
    for new in (0x20000, 1 << 25, 1 << 26, 1 << 27, NEW_USER, 1 << 29, 1 << 30):
        assert judged(CLONE[machine], new | 17) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
def test_refuses_numbers_of_other_tables(machine: Machine) -> None:
    filter_ = seccomp.compiled(machine)
    others = [ARCHITECTURES[other] for other in MACHINES if other != machine]
    for architecture in (*others, 0x40000003, 0):  # i386, none
        assert verdict(filter_, architecture, 0) == REFUSED
    x32 = 0x40000000
    assert verdict(filter_, ARCHITECTURES[machine], x32) == REFUSED
    assert verdict(filter_, ARCHITECTURES[machine], x32 + SOCKET[machine], INTERNET) == REFUSED


def test_there_is_a_filter_on_this_machine() -> None:
    assert seccomp.fault() is None
    assert seccomp.local_filter() == seccomp.compiled(MACHINE)


def test_other_systems_and_processors_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert seccomp.fault() == "no filter of system calls is known for riscv64"
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert seccomp.fault() == "Darwin has no filter of system calls"


# What the kernel makes of it


def under_the_filter(code: str) -> str:
    """What `code` prints in a process of its own, first thing in it."""
    opening = (
        "import ctypes, errno, json, os, socket, threading;"
        "from services.process import launch, seccomp;"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
    )
    command = [sys.executable, "-c", opening + code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


FILTERED = "launch.filter_calls(seccomp.local_filter())\n"
NUMBERS = """
def told(number):
    ctypes.set_errno(0)
    libc.syscall(number, -1, -1, -1, -1, -1, -1)
    return errno.errorcode.get(ctypes.get_errno())
print(json.dumps({{name: told(number) for name, number in {calls!r}.items()}}))
"""


def test_this_kernel_answers_as_if_it_had_none_of_the_calls() -> None:
    calls = denied(MACHINE)
    answers = json.loads(under_the_filter(FILTERED + NUMBERS.format(calls=calls)))
    assert answers == dict.fromkeys(calls, "ENOSYS")


def test_a_connection_fails_as_where_nobody_listens() -> None:
    """As CUDA's driver meets it on most machines, which looks for a server of its own."""
    code = FILTERED + NUMBERS.format(calls={"connect": CONNECT[MACHINE]})
    assert json.loads(under_the_filter(code)) == {"connect": "ENOENT"}


def test_without_the_filter_it_has_them() -> None:
    calls = denied(MACHINE)
    usual = {name: calls[name] for name in ("sendmsg", "ptrace", "mount", "unshare")}
    answers = json.loads(under_the_filter(NUMBERS.format(calls=usual)))
    assert "ENOSYS" not in answers.values()


def test_threads_and_processes_still_start() -> None:
    code = """
thread = threading.Thread(target=print, args=("thread",), kwargs={"flush": True})
thread.start(); thread.join()
if os.fork() == 0:
    print("process", flush=True); os._exit(0)
os.wait()
"""
    assert under_the_filter(FILTERED + code).split() == ["thread", "process"]


def test_there_is_no_process_in_a_namespace_of_its_own() -> None:
    code = f"""
child = libc.syscall({CLONE[MACHINE]}, {NEW_USER} | 17, 0, 0, 0, 0)
if child == 0: os._exit(0)
print(child, errno.errorcode.get(ctypes.get_errno()))
"""
    assert under_the_filter(FILTERED + code) == "-1 ENOSYS"


def test_what_it_starts_is_filtered_too_and_gains_no_rights() -> None:
    code = """
print(*(line.split()[1] for line in os.popen("cat /proc/self/status")
        if line.startswith(("NoNewPrivs", "Seccomp:"))))
"""
    assert under_the_filter(FILTERED + code) == "1 2"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86 has a second table")
def test_calls_of_32_bit_programs_are_no_way_around() -> None:
    code = """
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print(call() == -errno.ENOSYS, flush=True)
os._exit(0)
"""
    assert under_the_filter(FILTERED + code) == "True"


def test_a_kernel_without_filters_is_told() -> None:
    no_seccomp = """
import struct
prctl = {"x86_64": 157, "aarch64": 167}[os.uname().machine]
refuse = 0x50000 | errno.EINVAL  # as a kernel does that was built without them
launch.filter_calls(b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 0, 3, prctl), (0x20, 0, 0, 16), (0x15, 0, 1, 22),
    (6, 0, 0, refuse), (6, 0, 0, 0x7FFF0000))))
print(seccomp.fault(), seccomp.local_filter())
"""
    assert under_the_filter(no_seccomp) == "this kernel has no seccomp filters b''"


# What children and programs can reach


class Listener:
    """A server on loopback that counts who reaches it."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        server.listen()
        server.setblocking(False)
        self.port = server.getsockname()[1]

    @property
    def reached(self) -> int:
        """How many connections were made since the last look."""
        connections = 0
        while True:
            try:
                self._server.accept()[0].close()
            except BlockingIOError:
                return connections
            connections += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Listener(server)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool.opened(1, BOUNDS, partial(int)) as pool:
        yield pool


@pytest.fixture(scope="module")
def ffmpeg() -> Ffmpeg:
    return find()


async def test_a_child_reaches_no_server(pool: Pool, work: Attempt, listener: Listener) -> None:
    address = ("127.0.0.1", listener.port)
    with pytest.raises(EngineUnavailable, match="Function not implemented"):
        await pool.call(socket.create_connection, address, 5, seconds=20, work=work)
    assert listener.reached == 0
    socket.create_connection(address, 5).close()
    assert listener.reached == 1


async def test_pyav_in_a_child_reaches_no_server(
    pool: Pool, work: Attempt, listener: Listener
) -> None:
    url = f"http://127.0.0.1:{listener.port}/a.mp4"
    options = {"timeout": "200000"}  # microseconds
    with pytest.raises(EngineUnavailable, match="not implemented"):
        await pool.call(opened_by_pyav, url, options, seconds=20, work=work)
    assert listener.reached == 0
    with pytest.raises(av.FFmpegError):
        opened_by_pyav(url, options)
    assert listener.reached == 1


def opened_by_pyav(url: str, options: dict[str, str]) -> None:
    av.open(url, options=options).close()


@pytest.mark.parametrize("protocol", ["http", "tcp"])
async def test_ffmpeg_reaches_no_server(
    ffmpeg: Ffmpeg,
    work: Attempt,
    listener: Listener,
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"{protocol}://127.0.0.1:{listener.port}/a.mp4"
    argv = (str(ffmpeg.path), "-rw_timeout", "200000", "-i", url, "-f", "null", "-")
    async with Program.running(argv, BOUNDS, 20, work) as running:
        assert b"Function not implemented" in await running.errors.read()
    assert listener.reached == 0
    monkeypatch.setattr(program, "local_filter", bytes)
    async with Program.running(argv, BOUNDS, 20, work) as running:
        await running.errors.read()
    assert listener.reached == 1


@contextmanager
def mailbox(path: Path, kind: socket.SocketKind) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(str(path))
        server.setblocking(False)
        yield server


def test_sockets_of_other_programs_on_this_machine_are_out_of_reach(tmp_path: Path) -> None:
    """Such as a container engine's, whose master owns the machine."""
    stream, letters = tmp_path / "stream", tmp_path / "letters"
    code = f"""
def tried(call, *arguments):
    try: call(*arguments)
    except OSError as error: return errno.errorcode[error.errno]
box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
print(tried(socket.socket(socket.AF_UNIX).connect, {str(stream)!r}),
      tried(box.sendto, b"x", {str(letters)!r}), tried(box.sendmsg, [b"x"], [], 0, {str(letters)!r}))
"""
    with mailbox(stream, socket.SOCK_STREAM) as server, mailbox(letters, socket.SOCK_DGRAM) as box:
        server.listen()
        assert under_the_filter(code) == "None None None"
        assert [box.recv(9), box.recv(9)] == [b"x", b"x"]
        server.accept()[0].close()
        assert under_the_filter(FILTERED + code) == "ENOENT ENOSYS ENOSYS"
        with pytest.raises(BlockingIOError):
            box.recv(9)
        with pytest.raises(BlockingIOError):
            server.accept()
