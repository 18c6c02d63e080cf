"""How the driver starts all processes of a contender at once, and learns when jobs end."""

import asyncio
import os
import time
from pathlib import Path


class Gate:
    """Files in a folder that driver and processes share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ready(self, name: str) -> None:
        """Say that this process waits for the start."""
        (self.folder / f"ready.{name}").touch()

    async def opened(self) -> None:
        """Return when the driver has given the start."""
        # A file is what all contenders can wait for, whatever they are written in.
        while not (self.folder / "go").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    def wait(self) -> None:
        """The same for those without an event loop to give the time to."""
        while not (self.folder / "go").exists():
            time.sleep(0.005)

    def open(self) -> float:
        """Give the start; returns when that was."""
        (self.folder / "go").touch()
        return time.monotonic()

    def count_ready(self) -> int:
        """How many processes wait."""
        return len(list(self.folder.glob("ready.*")))


class Finish:
    """Counts ended jobs: one byte each in a file, whose last change tells when the last ended."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "finished"
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def one_more(self) -> None:
        """A job has ended."""
        os.write(self._descriptor, b".")

    def count(self) -> int:
        """How many have."""
        return self._path.stat().st_size
