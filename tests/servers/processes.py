"""Child processes with a folder of their own, which never outlive whoever started them."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# Waits for the end of its standard input, which comes when our process ends, however it ends:
# the kernel closes our end of the pipe after a SIGKILL too.
_REAPER = """
read -r _
for group in $(cat "$1/groups"); do kill -s KILL -- "-$group"; done 2>/dev/null
for _ in 1 2 3 4 5; do rm -rf "$1" && exit; sleep 0.2; done 2>/dev/null
"""


class PrivateProcesses:
    """Processes and a temporary folder that vanish together.

    Every process leads a group of its own, so that its children die with it and a Ctrl-C at the
    terminal does not reach it before the tests have ended.
    """

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"millrace-{name}-"))
        self._groups = self.folder / "groups"
        self._running: list[subprocess.Popen[bytes]] = []
        self._write_groups()
        self._reaper = subprocess.Popen(
            ["/bin/sh", "-c", _REAPER, "millrace-reaper", str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def spawn(self, argv: Sequence[str | Path], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process that writes its log into the folder."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        self._write_groups()
        return process

    def stop(
        self,
        process: subprocess.Popen[bytes],
        with_signal: signal.Signals = signal.SIGTERM,
        patience_seconds: float = 20,
    ) -> None:
        """End a process and its children: asked first, killed after."""
        _signal_group(process, with_signal)
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._running.remove(process)
        self._write_groups()

    def close(self) -> None:
        """Kill what runs and remove the folder. Closing twice is fine."""
        for process in reversed(self._running.copy()):
            self.stop(process, signal.SIGKILL)
        if self._reaper.stdin is not None:
            self._reaper.stdin.close()
        self._reaper.wait()

    @property
    def log(self) -> Path:
        """Where the processes write what they have to say."""
        return self.folder / "log"

    def _write_groups(self) -> None:
        self._groups.write_text("".join(f"{process.pid}\n" for process in self._running))


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
