"""The lane that a command speaks to: its broker, and its work directory where that is at hand."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from millrace.settings import read
from millrace.wiring import open_broker, workspace_of
from shared.broker.base import Broker
from shared.broker.topology import Lane
from shared.errors import MillraceError
from shared.observe.logs import configure_logs
from shared.settings import BrokerSettings, WorkspaceSettings
from shared.workspace import Workspace


class NoWorkDirectory(MillraceError):
    """The services' work directory is not on this machine."""


def lane() -> Lane:
    """The lane that QUEUE_PREFIX names."""
    return Lane(read(BrokerSettings).queue_prefix)


def hush() -> None:
    """Write no log lines: what goes wrong ends the command with a sentence."""
    configure_logs("error")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)


@asynccontextmanager
async def connected(lane: Lane, *, declare: bool = True) -> AsyncIterator[Broker]:
    """The broker that AMQP_URL names, with all queues there, until the block ends.

    Raises:
        BrokerUnavailable: it cannot be reached.
    """
    hush()
    broker = open_broker(read(BrokerSettings), "command line")
    try:
        if declare:
            await broker.declare(lane.topology)
        yield broker
    finally:
        await broker.close()


def work_directory(lane: Lane) -> Workspace:
    """The lane's work directory.

    Raises:
        NoWorkDirectory: there is none on this machine.
    """
    settings = read(WorkspaceSettings)
    workspace = workspace_of(settings, lane)
    if not Path(workspace.jobs).is_dir():
        raise NoWorkDirectory(
            f"TEMP_DIR: {settings.temp_dir} has no work directory of {lane.prefix};"
            " run this where the services' volume is"
        )
    workspace.open()
    return workspace
