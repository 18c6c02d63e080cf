"""One running service: start, stay healthy, drain, stop. In reading order."""

import asyncio
import errno
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from shared.broker.base import Broker
from shared.broker.link import pause
from shared.broker.topology import Topology
from shared.consumer import Consumer
from shared.errors import BrokerUnavailable, MillraceError
from shared.observe.health import Check, Health, application

log = structlog.get_logger()
LOOK_SECONDS = 1.0
_OF_THE_PORT: Final = (errno.EADDRINUSE, errno.EACCES, errno.EPERM)


class AddressUnusable(MillraceError):
    """The health server cannot listen where it should."""


@asynccontextmanager
async def answering(health: Health, host: str, port: int) -> AsyncIterator[None]:
    """Probes are answered until the block ends, whether the broker is there or not.

    Raises:
        AddressUnusable: nothing can listen there.
    """
    runner = web.AppRunner(application(health), access_log=None)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port), f"{host}:{port}")
        yield
    finally:
        await runner.cleanup()


async def declare_until_done(broker: Broker, topology: Topology) -> None:
    """Declare all queues; wait for the broker as long as it takes."""
    while True:
        try:
            return await broker.declare(topology)
        except BrokerUnavailable as error:
            log.warning("waiting for the broker", reason=str(error))
            await asyncio.sleep(pause())


@asynccontextmanager
async def consuming(consumer: Consumer, hold: Check = lambda: None) -> AsyncIterator[None]:
    """Deliveries are taken until the block ends, and then drained.

    Args:
        hold: says why no deliveries should be taken for now, where that is so.
    """
    await consumer.start()
    heeding = asyncio.create_task(heed(hold, consumer))
    try:
        yield
    finally:
        heeding.cancel()
        await consumer.stop()


async def heed(hold: Check, consumer: Consumer) -> None:
    """Pause the consumer while there is a reason to, looking every second."""
    while True:
        try:
            await _heed_once(hold, consumer)
        except Exception:  # whatever it is: a full disk must be seen the next time
            log.exception("whether to pause cannot be told")
        await asyncio.sleep(LOOK_SECONDS)


async def _heed_once(hold: Check, consumer: Consumer) -> None:
    reason = hold()
    if reason and not consumer.paused:
        log.warning("deliveries paused", reason=reason)
        await consumer.pause()
    elif consumer.paused and not reason:
        log.info("deliveries resumed")
        await consumer.resume()


async def _listen(site: web.TCPSite, address: str) -> None:
    try:
        await site.start()
    except OSError as error:
        raise AddressUnusable(_sentence(address, error)) from None
    except UnicodeError:
        raise AddressUnusable(f"HEALTH_HOST: {address} is no address") from None


def _sentence(address: str, error: OSError) -> str:
    """Which of the two settings is wrong; of a host that is not ours not every loop tells more."""
    setting = "HEALTH_PORT" if error.errno in _OF_THE_PORT else "HEALTH_HOST"
    return f"{setting}: {address} cannot be used: {error.strerror or error}"


async def until_told_to_stop() -> None:
    """Return at the first SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
