"""The publishers and the watcher in examples/, run as a user runs them, on four services."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import aio_pika
import pytest

from tests.conftest import ROOT, missing
from tests.servers.services import Services

EXAMPLES = ROOT / "examples"
PHOTO = (EXAMPLES / "mountains.jpg").as_uri()


@pytest.fixture
def environment(amqp_url: str, running: Services) -> dict[str, str]:
    return {**os.environ, "AMQP_URL": amqp_url, "QUEUE_PREFIX": running.lane.prefix}


@pytest.fixture(scope="module")
def node_example(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """How to run the Node example, beside the library that its package.json asks for."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        # The example is for those who have Node; Millrace itself never needs it.
        pytest.skip("no Node here")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "publish.mjs"):
        shutil.copy(EXAMPLES / name, folder)
    install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, text=True, timeout=90)
    except subprocess.CalledProcessError as error:
        missing(f"npm install: {error.stderr}")
    return [node, folder / "publish.mjs"]


def test_a_job_published_with_python_completes(
    running: Services, environment: dict[str, str]
) -> None:
    check_that_a_photo_completes([sys.executable, EXAMPLES / "publish.py"], running, environment)


def test_a_job_published_with_node_completes(
    node_example: list[str | Path], running: Services, environment: dict[str, str]
) -> None:
    check_that_a_photo_completes(node_example, running, environment)


def check_that_a_photo_completes(
    publisher: Sequence[str | Path], running: Services, environment: dict[str, str]
) -> None:
    with watching(environment) as lines:
        job = publish([*publisher, PHOTO], environment)
        list(takewhile(lambda line: line != f"{job} completed\n", lines))
        assert running.left == []
        stored = {path.name for path in (running.uploads / job).iterdir()}
        shown = {next(lines).strip() for _ in stored}
    assert {"thumbnail.webp", "w640.webp", "w1920.avif"} <= stored
    assert shown == {f"/uploads/{job}/{name}" for name in stored}


def test_the_python_example_fails_where_nothing_can_be_published(
    environment: dict[str, str],
) -> None:
    check_that_it_fails([sys.executable, EXAMPLES / "publish.py"], environment)


def test_the_node_example_fails_where_nothing_can_be_published(
    node_example: list[str | Path], environment: dict[str, str]
) -> None:
    check_that_it_fails(node_example, environment)


def check_that_it_fails(publisher: Sequence[str | Path], environment: dict[str, str]) -> None:
    without_services = {**environment, "QUEUE_PREFIX": "test-nobody-is-here"}
    for command, where in (
        ([*publisher], environment),
        ([*publisher, PHOTO], without_services),
    ):
        with pytest.raises(subprocess.CalledProcessError):
            publish(command, where)


def test_watching_one_job_ends_with_it(running: Services, environment: dict[str, str]) -> None:
    with watching(environment, "mine") as lines:
        asyncio.run(publish_by_hand(running, environment, b'{"jobId": "other", "source": "x"}'))
        asyncio.run(publish_by_hand(running, environment, b'{"jobId": "mine", "source": "x"}'))
        *_, outcome, sentence = lines
    assert outcome == "mine failed\n"
    assert sentence.startswith("   source: must begin with one of")


def publish(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    """The job id that a publisher prints."""
    ran = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return ran.stdout.strip()


async def publish_by_hand(running: Services, environment: dict[str, str], body: bytes) -> None:
    async with await aio_pika.connect(environment["AMQP_URL"]) as connection:
        channel = await connection.channel()
        queue = running.lane.queue("download")
        await channel.default_exchange.publish(aio_pika.Message(body), queue)


@contextmanager
def watching(environment: dict[str, str], *job: str) -> Iterator[Iterator[str]]:
    """The lines that watch.py prints, from when it hears all that is published."""
    watcher = subprocess.Popen(
        [sys.executable, EXAMPLES / "watch.py", *job],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    with watcher:
        try:
            assert watcher.stdout.readline().startswith("watching")
            yield iter(watcher.stdout)
        finally:
            watcher.terminate()
