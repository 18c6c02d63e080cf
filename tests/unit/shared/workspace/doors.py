"""What several tests of the workspace do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from shared.jobs import Stage
from shared.workspace import Attempt, Held, Workspace
from tests.jobs import download_job

_HOLD = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def attempt(held: Held, stage: Stage = "download") -> Attempt:
    return held.attempt(stage, structlog.get_logger(), lambda *_: None)


def begun(workspace: Workspace, job_id: str = "job", **fields: Any) -> Path:
    """The directory of a job that was begun, and let go."""
    with workspace.begin(download_job(job_id, **fields)) as held:
        return Path(held.directory)


def change_lease(directory: Path, **fields: Any) -> None:
    """Write a lease anew, as if it had been granted otherwise."""
    path = directory / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))


@contextmanager
def another_process_holds(directory: Path) -> Iterator[None]:
    """A real process with the job's lock."""
    argv = [sys.executable, "-c", _HOLD, str(directory / "job.json")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            child.stdin.close()
            child.wait()
