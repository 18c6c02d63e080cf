"""A volume that is really full, in the middle of a download."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from tests.conftest import missing
from tests.integration.running import PHOTO, job, ready, serving, started, user_of
from tests.waiting import soon, until

CONTENT = PHOTO.read_bytes()


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """16 MiB in memory, which root may mount."""
    if os.geteuid() != 0:
        missing("only root may mount a small volume")
    folder = tmp_path / "volume"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        missing("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


@pytest.mark.integration
async def test_a_download_that_fills_the_volume_waits_uncounted_and_is_done_anew(
    amqp_url: str, small_volume: Path
) -> None:
    half, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(CONTENT[: len(CONTENT) // 2])
        half.set()
        await go_on.wait()
        await response.write(CONTENT[len(CONTENT) // 2 :])
        return response

    async with serving(slowly) as address:
        settings = {
            "ALLOWED_NETWORKS": "127.0.0.0/8",
            "ALLOWED_PORTS": address.rpartition(":")[2],
            "TEMP_DIR": str(small_volume / "work"),
            "DISK_FLOOR_BYTES": "0",
        }
        with started(amqp_url, ["download"], **settings) as running:
            await ready(running)
            async with user_of(running) as user:
                await user.publish(job("large", source=f"{address}/a.jpg"))
                await soon(half.wait())
                await until(lambda: any(small_volume.glob("work/*/jobs/large.1/download.*/*")))
                fill(small_volume / "filler")
                go_on.set()
                await until(lambda: "WorkspaceFull" in running.log.read_text(errors="replace"))
                (small_volume / "filler").unlink()
                waiting = await user.channel.get_queue(f"{running.lane.prefix}.processing")
                async with asyncio.timeout(60):
                    async with waiting.iterator() as messages:
                        following = await anext(messages)
                        await following.ack()
                made = json.loads(following.body)
                assert made["original"]["size"] == len(CONTENT)
                assert made["costs"][0]["attempts"] == 1
                # What the first attempt had begun is gone.
                (left,) = small_volume.glob("work/*/jobs/large.1/download.*/*")
                assert left.read_bytes() == CONTENT
