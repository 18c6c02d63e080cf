"""Log lines: JSON for machines, readable on a terminal; each says whose it is."""

import json
import os
import pty
import subprocess
import sys

# In a process of its own: the configuration is the process's.
_PROGRAM = """
import asyncio, sys, tempfile
from pathlib import Path
from shared.observe.logs import configure_logs
configure_logs(sys.argv[1], sys.argv[2], service="test")
from shared.errors import CorruptMedia, SourceUnavailable
from tests.flow import flow

errors = [SourceUnavailable("away"), CorruptMedia("damaged")]

async def fail(job, work):
    work.log.info("from the stage", more=1)
    work.log.debug("in detail")
    raise errors.pop(0)

async def main():
    with tempfile.TemporaryDirectory() as root:
        async with flow(Path(root)) as one:
            one.before["process"] = fail
            await one.submit("käse")
            await one.end_of("käse")
            await one.send(b"{", message_id="m-1")
            await one.parked(2)

asyncio.run(main())
"""


def logged(level: str = "info", form: str = "json", *, tty: bool = False) -> str:
    argv = [sys.executable, "-c", _PROGRAM, level, form]
    if not tty:
        return subprocess.run(argv, stderr=subprocess.PIPE, text=True, check=True).stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(argv, stderr=theirs) as program:
        os.close(theirs)
        text = b"".join(_until_closed(ours))
    os.close(ours)
    assert program.returncode == 0
    return text.decode()


def _until_closed(descriptor: int) -> list[bytes]:
    found: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # what a terminal says when its other end is closed
            return found
        if not part:
            return found
        found.append(part)


def test_every_line_about_a_job_says_whose_it_is() -> None:
    lines = [json.loads(line) for line in logged(form="auto").splitlines()]
    about = [line for line in lines if line.get("jobId") == "käse"]
    assert about
    for line in about:
        assert line["run"] == 1
        assert line["stage"] in ("download", "process", "upload", "cleanup")
        assert line["service"] == "test"
        assert line["timestamp"].endswith("Z")
        assert line["level"] in ("info", "warning")
    from_stage = [line for line in about if line["event"] == "from the stage"]
    assert [line["attempt"] for line in from_stage] == [1, 2]
    assert from_stage[0]["more"] == 1
    failed = next(line for line in about if line["level"] == "warning")
    assert (failed["error"], failed["reason"]) == ("CorruptMedia", "damaged")
    rejected = next(line for line in lines if line["event"] == "message rejected")
    assert rejected["messageId"] == "m-1"
    assert "no JSON" in rejected["reason"]


def test_level_is_the_least_that_is_logged() -> None:
    assert "in detail" in logged("debug")
    warnings = [json.loads(line) for line in logged("warning").splitlines()]
    assert warnings
    assert {line["level"] for line in warnings} == {"warning"}


def test_on_a_terminal_lines_are_for_people() -> None:
    text = logged(form="auto", tty=True)
    assert "from the stage" in text
    assert "\x1b[" in text
    assert "{" not in text.replace("{}", "").splitlines()[0]


def test_console_can_be_asked_for() -> None:
    first = logged(form="console").splitlines()[0]
    assert not first.startswith("{")
