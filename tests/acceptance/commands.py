"""The program as people run it: a process of its own, with work directories of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import ROOT

PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON, line by line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def types(self) -> list[str]:
        """The last word of each event's type."""
        return [event["type"].rpartition(".")[2] for event in self.events]


@dataclass(frozen=True)
class Program:
    """Millrace's command in a folder that was empty at first.

    Attributes:
        folder: where it runs, and where its results go unless it is told otherwise.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def temp_dir(self) -> Path:
        return self.folder / "temporary"

    @property
    def left(self) -> list[Path]:
        """Everything in TEMP_DIR."""
        return [*self.temp_dir.rglob("*")]

    @property
    def results(self) -> set[str]:
        """Everything that is stored, hidden files too."""
        out = self.folder / "millrace-out"
        return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it is told."""
        own = {"TEMP_DIR": str(self.temp_dir), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own, **self.settings}

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "millrace", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str | Path) -> Ended:
        return wait(self.start(*arguments))


def wait(process: "subprocess.Popen[str]") -> Ended:
    """How the process ended; it is killed if it does not."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.returncode, out, err)


def interrupt(process: "subprocess.Popen[str]") -> tuple[Ended, list[psutil.Process]]:
    """How it ended after Ctrl-C, and which of its children outlived it."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    ended = wait(process)
    _, alive = psutil.wait_procs(children, timeout=5)
    return ended, alive


def encoder_of(pid: int) -> psutil.Process:
    """The ffmpeg that works for the process, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for encoder in encoders_of(pid):
            return encoder
        time.sleep(0.02)
    raise TimeoutError("ffmpeg was never started")


def encoders_of(pid: int) -> Iterator[psutil.Process]:
    """Every ffmpeg that works for the process."""
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            command = child.cmdline()
            if "ffmpeg" in "".join(command[:1]) and "-i" in command:
                yield child


@contextmanager
def standing_still(process: psutil.Process) -> Iterator[None]:
    """The process does nothing as long as the block runs."""
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()
