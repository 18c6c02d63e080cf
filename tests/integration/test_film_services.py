"""The process service is told to end while it makes a film."""

import asyncio
import signal

import psutil

from tests.acceptance.commands import encoder_of
from tests.integration.films.looks import SLOW
from tests.integration.running import PHOTO, Running, job, ready, started, user_of
from tests.waiting import until


async def test_sigterm_kills_ffmpeg_and_gives_the_message_back(amqp_url: str) -> None:
    stages = ["upload", "download", "cleanup", "process"]
    with started(amqp_url, stages, DRAIN_SECONDS="0") as running:
        await ready(running)
        async with user_of(running) as user:
            film = (PHOTO.parent / "bunny.mp4").as_uri()
            await user.publish(job("film-1", source=film, operations=[SLOW]))
            await end_process_service(running)
            queue = await user.channel.get_queue(f"{running.lane.prefix}.processing")

            async def is_back() -> bool:
                return (await queue.declare()).message_count == 1

            await until(is_back)
            # The job goes on where somebody takes it; nobody does, so it is cancelled here.
            await user.publish(b'{"jobId": "film-1", "outcome": "cancelled"}', "cleanup")
            assert (await user.end_of("film-1"))["type"] == "millrace.job.cancelled"
        await until(lambda: running.left() == [])
        assert not [path for path in running.uploads.rglob("*") if path.is_file()]


async def end_process_service(running: Running) -> None:
    """SIGTERM, with ffmpeg at work; none of the service's processes outlives it."""
    service = running.processes["process"]
    encoder = await asyncio.to_thread(encoder_of, service.pid)
    encoder.suspend()  # so that it is still at work then, however fast the machine
    children = psutil.Process(service.pid).children(recursive=True)
    assert encoder in children
    service.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(service.wait, 30) == 0
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
