"""`millrace dlq`, with services that park jobs and run them again."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiormq
import pytest

from shared.broker.topology import Lane
from shared.workspace import Workspace
from tests.acceptance.commands import Ended, Program
from tests.acceptance.conftest import submitted
from tests.conftest import ROOT
from tests.contract.brokers import delete
from tests.servers.services import Services

PHOTO = ROOT / "examples" / "mountains.jpg"
# The command, killed at the moment when it would acknowledge the parked message.
KILLED = """
import os, signal
from millrace.__main__ import main
from shared.broker.rabbitmq import RabbitDelivery

async def die(self):
    os.kill(os.getpid(), signal.SIGKILL)

RabbitDelivery.ack = die
main()
"""


@pytest.fixture
def source(sources: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where a photo is going to be."""
    path = sources / f"{request.node.name}.jpg"
    yield path
    path.unlink(missing_ok=True)


def failed(millrace: Program, source: Path) -> str:
    """A job that failed, because its photo was not there yet."""
    job = submitted(millrace, source.as_uri(), "--op", "thumbnail", "--meta", "user=7")
    assert millrace("watch", job).code == 1
    return job


async def publish(millrace: Program, body: bytes, queue: str = "download", **why: Any) -> None:
    """Publish a message by hand."""
    connection = await aiormq.connect(millrace.settings["AMQP_URL"])
    channel = await connection.channel()
    key = f"{millrace.settings['QUEUE_PREFIX']}.{queue}"
    properties = aiormq.spec.Basic.Properties(headers=why)
    await channel.basic_publish(body, routing_key=key, properties=properties)
    await connection.close()


def listed(millrace: Program, *arguments: str) -> list[str]:
    ended = millrace("dlq", "list", *arguments, "--json")
    assert (ended.code, ended.err) == (0, "")
    return [line["id"] for line in ended.events]


def test_a_failed_job_is_listed_shown_and_run_again(
    millrace: Program, running: Services, source: Path
) -> None:
    job = failed(millrace, source)
    assert listed(millrace, "--stage", "download", "--error", "SourceMissing", job) == [job]
    assert listed(millrace, "--stage", "upload", job) == []
    assert listed(millrace, "--older-than", "1d") == []
    line = millrace("dlq", "list", job).out.splitlines()[0]
    assert f"{job} run 1" in line
    assert "download  SourceMissing: " in line
    shown = json.loads(millrace("dlq", "show", job, "--json").out)
    assert (shown["kind"], shown["stage"], shown["attempts"]) == ("failed", "download", 1)
    assert shown["body"]["metadata"] == {"user": "7"}
    assert shown["receipt"]["outcome"] == "failed"

    shutil.copy(PHOTO, source)
    again = millrace("dlq", "redrive", job, "--json")
    assert (again.code, [line["nextRun"] for line in again.events]) == (0, [2])
    assert millrace("watch", job).code == 0
    assert json.loads(millrace("status", job, "--json").out)["run"] == 2
    assert listed(millrace, job) == []
    assert not running.left


def test_a_redrive_that_was_killed_in_between_can_be_said_again(
    millrace: Program, running: Services, source: Path
) -> None:
    """Killed after the next run was published, before the parked message was taken away."""
    job = failed(millrace, source)
    shutil.copy(PHOTO, source)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "dlq", "redrive", job],
        env=millrace.environment,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert millrace("watch", job).code == 0
    assert listed(millrace, job) == [job]

    again = millrace("dlq", "redrive", job)
    assert (again.code, again.out) == (0, f"{job} run 2\n")
    # A job behind it in the same queue has ended: so has the duplicate.
    assert millrace("submit", PHOTO, "--op", "thumbnail", "--wait").code == 0
    runs = {path.name for path in (running.work / running.lane.prefix / "closed").glob(f"{job}.*")}
    assert runs == {f"{job}.1.json", f"{job}.2.json"}
    assert listed(millrace, job) == []


def test_a_run_that_waits_in_its_queue_is_known(amqp_url: str, tmp_path: Path) -> None:
    prefix = f"test-{uuid4().hex}"
    program = Program(tmp_path, {"AMQP_URL": amqp_url, "QUEUE_PREFIX": prefix})
    # Services that have been here, and are away now.
    Workspace(program.temp_dir / prefix).open()
    assert listed(program) == []
    body = json.dumps({"jobId": "job", "source": PHOTO.as_uri()}).encode()
    asyncio.run(publish(program, body, "dead", parked="failed", run=1))
    while listed(program) != ["job"]:
        time.sleep(0.1)

    assert program("dlq", "redrive", "job").out == "job run 2\n"
    status = json.loads(program("status", "job", "--json").out)
    assert (status["run"], status["state"], status["stage"]) == (2, "waiting", "download")
    asyncio.run(delete(amqp_url, Lane(prefix).topology))


def test_purge_throws_away_what_was_chosen_and_asks_before(millrace: Program, source: Path) -> None:
    first, second = failed(millrace, source), failed(millrace, source)
    unanswered = millrace("dlq", "purge", first)
    assert unanswered.code == 1
    assert "Throw 1 parked messages away?" in unanswered.err
    assert listed(millrace, first, second) == [first, second]

    # A crash while it was parked: the same once more.
    body = json.dumps({"jobId": first, "source": source.as_uri()}).encode()
    asyncio.run(publish(millrace, body, "dead", parked="failed", run=1))
    twice = millrace("dlq", "list", first).out.splitlines()
    assert (len(twice), twice[-1]) == (2, "2 parked messages")
    purged = millrace("dlq", "purge", first, "--yes", "--json")
    assert (purged.code, [line["id"] for line in purged.events]) == (0, [first, first])
    assert listed(millrace, first, second) == [second]
    assert millrace("dlq", "purge", second, "--yes").out.count(f"{second} run 1") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["redrive"], 2, "say which: "),
        (["redrive", "nobody"], 1, "nothing is parked of nobody"),
        (["show", "nobody"], 1, "nothing is parked of nobody"),
        (["list", "--older-than", "soon"], 2, "'soon' must be a number and a unit"),
    ],
)
def test_what_cannot_be_done_is_said(
    millrace: Program, arguments: list[str], code: int, sentence: str
) -> None:
    ended: Ended = millrace("dlq", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.err


def test_a_message_that_was_no_job_stays_where_it_is(millrace: Program, source: Path) -> None:
    job = failed(millrace, source)
    millrace("dlq", "purge", job, "--yes")
    # Another request under the same id is refused.
    body = {"jobId": job, "source": PHOTO.as_uri()}
    asyncio.run(publish(millrace, json.dumps(body).encode()))
    while listed(millrace, job) != [job]:
        time.sleep(0.1)
    refused = millrace("dlq", "redrive", job)
    assert refused.code == 1
    assert "was no valid job" in refused.err
    assert listed(millrace, job) == [job]
    assert millrace("dlq", "purge", job, "--yes").code == 0
