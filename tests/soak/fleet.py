"""The services as processes: several of each, which may be killed and come back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from shared.jobs import Stage
from tests.conftest import ROOT
from tests.servers.ports import free_ports
from tests.servers.processes import PrivateProcesses
from tests.servers.services import ready


@dataclass
class Member:
    """One service.

    Attributes:
        veteran: it is never ended while the soak runs, and so shows what grows.
        sought: it must be running now.
        frozen: it was stopped as by SIGSTOP.
    """

    name: str
    stage: Stage
    environment: Mapping[str, str]
    port: int
    veteran: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    sought: bool = False
    frozen: bool = False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid


@dataclass(frozen=True)
class Footprint:
    """What one service holds of the machine."""

    memory_bytes: int
    descriptors: int
    children: int
    held_files: tuple[str, ...]


@dataclass
class Fleet:
    """All services of all lanes.

    Attributes:
        pids: every process that was ever started.
        starts: how many that were.
        fallen: services that ended although nobody ended them.
    """

    processes: PrivateProcesses
    members: list[Member] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    starts: int = 0
    fallen: list[str] = field(default_factory=list)

    def enlist(self, name: str, stage: Stage, settings: Mapping[str, str], veteran: bool) -> None:
        """One more service, not yet started."""
        (port,) = free_ports(1)
        fixed = {"HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": str(port), "PYTHONPATH": str(ROOT)}
        self.members.append(Member(name, stage, {**settings, **fixed}, port, veteran))

    def start(self, member: Member) -> None:
        """Start it; it is ready some time later."""
        argv = [sys.executable, "-m", f"services.{member.stage}"]
        member.process = self.processes.spawn(argv, member.environment)
        member.sought = True
        self.pids.add(member.pid)
        self.starts += 1

    def end(self, member: Member, how: signal.Signals) -> int:
        """End it with a signal, and return its exit status."""
        assert member.process is not None
        member.sought = False
        self.thaw(member)
        self.processes.stop(member.process, how, patience_seconds=60)
        return int(member.process.returncode)

    def freeze(self, member: Member) -> None:
        """Stop the process, not its children, in the middle of whatever it does."""
        member.frozen = True
        os.kill(member.pid, signal.SIGSTOP)

    def thaw(self, member: Member) -> None:
        """Let it go on."""
        if member.frozen:
            member.frozen = False
            with suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGCONT)

    def revive(self) -> None:
        """Note what has ended by itself, and start it again."""
        for member in self.members:
            if member.sought and member.process and member.process.poll() is not None:
                self.fallen.append(f"{member.name} ended with {member.process.returncode}")
                self.start(member)

    @property
    def ready(self) -> bool:
        return ready(member.port for member in self.members)

    def footprint(self, member: Member) -> Footprint:
        """What the service holds right now."""
        process = psutil.Process(member.pid)
        held = (file.path for file in process.open_files())
        work = member.environment["TEMP_DIR"]
        return Footprint(
            process.memory_info().rss,
            process.num_fds(),
            len(process.children(recursive=True)),
            tuple(path for path in held if path.startswith(work)),
        )

    def veterans(self) -> Iterable[Member]:
        return (member for member in self.members if member.veteran)


def holders(folder: str) -> list[str]:
    """Processes, of anyone's, that have a file below `folder` open."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(file.path.startswith(folder) for file in process.open_files()):
                found.append(" ".join(process.cmdline())[:200])
    return found
