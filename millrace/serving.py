"""Services as processes: from the command line, or `python -m services.…`, until SIGTERM."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import structlog

from millrace import __version__
from millrace.cli.errors import code_of
from millrace.settings import read
from millrace.wiring import Backends, Wired, backends, run, wired
from shared.errors import MillraceError
from shared.jobs import Stage
from shared.observe.health import Health
from shared.observe.logs import configure_logs
from shared.service import answering, consuming, declare_until_done
from shared.settings import ServiceSettings


def serve(*stages: Stage) -> None:
    """Run services in this process until SIGTERM."""
    try:
        settings = read(ServiceSettings)
        configure_logs(settings.log_level, settings.log_format, service=" ".join(stages))
        if "process" in stages:
            _refuse_unreachable_limits()
        run(_serve(stages))
    except MillraceError as error:
        print(f"millrace: {error}", file=sys.stderr)
        sys.exit(code_of(error))


def _refuse_unreachable_limits() -> None:
    """Raises `BadSetting`; see `limits`."""
    from millrace.limits import limits

    limits(read)


async def _serve(stages: tuple[Stage, ...]) -> None:
    _cancel_at_signals()
    with suppress(asyncio.CancelledError):
        async with AsyncExitStack() as stack:
            on = await stack.enter_async_context(backends(" ".join(stages)))
            ports: set[int] = set()
            services = [
                await stack.enter_async_context(service(stage, on, ports)) for stage in stages
            ]
            await declare_until_done(on.broker, on.lane.topology)
            for one in services:
                await stack.enter_async_context(consuming(one.consumer, one.running.hold))
            structlog.get_logger().info("ready", stages=stages)
            try:
                await asyncio.Event().wait()
            finally:
                # All at once: one after the other could take longer than we are given.
                await asyncio.gather(*(one.consumer.stop() for one in services))


def _cancel_at_signals() -> None:
    """SIGTERM and SIGINT cancel the service, which drains; a second one ends the drain."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


@asynccontextmanager
async def service(stage: Stage, on: Backends, taken: set[int]) -> AsyncIterator[Wired]:
    """One service that answers probes until the block ends, and takes no deliveries yet.

    Args:
        taken: ports of the other services in this process.
    """
    async with wired(stage, on) as one:
        running, consumer, metrics = one.running, one.consumer, one.metrics
        details = {"version": __version__, "queuePrefix": on.lane.prefix, **running.details}
        checks = (running.hold, *running.checks)
        health = Health(stage, on.broker, consumer, on.workspace, metrics, checks, details)
        host, port = read(ServiceSettings).health_host, _next_port(running.health_port, taken)
        async with answering(health, host, port):
            yield one


def _next_port(port: int, taken: set[int]) -> int:
    """`port`, or the next one where HEALTH_PORT gave the same to several services."""
    while port in taken and port:
        port += 1
    taken.add(port)
    return port
