"""Everything that a soak stands on: broker, storages, sources, cables, services."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.broker.rabbitmq import RabbitMQ
from shared.broker.topology import Lane
from tests.proxy import Cable, cable
from tests.servers.processes import PrivateProcesses
from tests.servers.rabbitmq import PrivateRabbitMQ, ensure_installed
from tests.servers.s3 import s3
from tests.soak.fleet import Fleet
from tests.soak.ledger import Ledger
from tests.soak.nemesis import Nemesis
from tests.soak.orders import Customer, Order
from tests.soak.places import BucketShop, FolderShop, Places, Shop
from tests.soak.post import Lot, Post
from tests.soak.scale import STAGES, Scale
from tests.soak.shelf import Shelf, filled
from tests.soak.web import Web, serving

# The lane with local storage gets more of the jobs: the S3 stand-in is slow.
_SHARES = (65, 35)


@dataclass(frozen=True)
class Scene:
    """One soak's parts, all of them up.

    Attributes:
        lots: one for each lane.
        folder: holds the work directory, the local storage, the sources and the log.
    """

    scale: Scale
    folder: Path
    fleet: Fleet
    post: Post
    lots: tuple[Lot, ...]
    nemesis: Nemesis
    cables: tuple[Cable, ...]
    shelf: Shelf
    web: Web
    broker: RabbitMQ

    @property
    def work(self) -> Path:
        """`TEMP_DIR`."""
        return self.folder / "work"

    @property
    def log(self) -> Path:
        """What all services said."""
        return self.fleet.processes.log

    def orders(self) -> Iterator[tuple[Order, Lot]]:
        """Orders without an end, each for one of the lanes."""
        customer = Customer(self.shelf, self.web, self.scale.dice("orders"))
        dice = self.scale.dice("lanes")
        for order in customer.orders():
            (lot,) = dice.choices(self.lots, _SHARES)
            yield order, lot


@asynccontextmanager
async def opened(scale: Scale) -> AsyncIterator[Scene]:
    """A scene whose services have been started."""
    ensure_installed()
    async with AsyncExitStack() as stack:
        node = stack.enter_context(PrivateRabbitMQ())
        endpoint = stack.enter_context(s3())
        processes = stack.enter_context(PrivateProcesses("soak"))
        shelf = filled(processes.folder / "sources", scale.dice("shelf"))
        web = await stack.enter_async_context(serving(shelf))
        cables = [await stack.enter_async_context(cable(node.url)) for _ in range(scale.copies)]
        storage_cable = await stack.enter_async_context(cable(endpoint))
        lots = (
            _lot("local", FolderShop(processes.folder / "uploads"), processes.folder),
            _lot("bucket", BucketShop(endpoint, storage_cable.url, "soak"), processes.folder),
        )
        fleet = _fleet(scale, processes, lots, cables, shelf, web)
        broker = RabbitMQ(node.url, "soak", confirm_seconds=10)
        stack.push_async_callback(broker.close)
        post = Post(broker, lots)
        await post.open()
        stack.push_async_callback(post.close)
        dice = scale.dice("nemesis")
        nemesis = Nemesis(fleet, node, cables, storage_cable, dice, scale.calm_seconds)
        for member in fleet.members:
            fleet.start(member)
        yield Scene(
            scale, processes.folder, fleet, post, lots, nemesis, (*cables, storage_cable),
            shelf, web, broker,
        )  # fmt: skip


def _lot(name: str, shop: Shop, folder: Path) -> Lot:
    lane = Lane(f"soak.{name}")
    return Lot(Ledger(lane), Places(folder / "work" / lane.prefix, shop))


def _fleet(
    scale: Scale,
    processes: PrivateProcesses,
    lots: tuple[Lot, ...],
    cables: list[Cable],
    shelf: Shelf,
    web: Web,
) -> Fleet:
    """The services of all lanes. The first of each stage in the first lane are veterans."""
    fleet = Fleet(processes)
    for lot in lots:
        for copy, line in enumerate(cables):
            for stage in STAGES:
                prefix = lot.ledger.lane.prefix
                settings = {
                    **_settings(scale, shelf, web),
                    **lot.places.shop.settings,
                    "AMQP_URL": line.url,
                    "QUEUE_PREFIX": prefix,
                    "TEMP_DIR": str(processes.folder / "work"),
                }
                veteran = lot is lots[0] and copy == 0
                fleet.enlist(f"{prefix}.{stage}.{copy}", stage, settings, veteran)
    return fleet


def _settings(scale: Scale, shelf: Shelf, web: Web) -> dict[str, str]:
    """Patience for a short life: what takes hours in production takes minutes here."""
    return {
        "ALLOWED_NETWORKS": "127.0.0.0/8",
        "ALLOWED_PORTS": f"80,{web.port},{web.dead_port}",
        "SOURCE_ROOTS": ":".join(map(str, shelf.roots)),
        "MAX_ATTEMPTS": str(scale.attempts),
        "MAX_DOWNLOAD_BYTES": str(64 << 20),
        "DOWNLOAD_STALL_SECONDS": "10",
        "DELIVERY_RENEW_SECONDS": "20",
        "STAGE_LIMIT_SECONDS": "300",
        "CONFIRM_SECONDS": "10",
        "DRAIN_SECONDS": "5",
        "JOB_TTL_HOURS": "12",
        "DISK_FLOOR_BYTES": str(16 << 20),
        "CLEANUP_INTERVAL_HOURS": "0.02",
        "ORPHAN_GRACE_MINUTES": "1",
        "PROCESS_CONCURRENCY": "2",
        "PROCESS_WORKERS": "1",
        "PROCESS_CALL_SECONDS": "90",
        "FFMPEG_THREADS": "1",
        "LOG_LEVEL": "info",
        "LOG_FORMAT": "json",
    }


def stop(scene: Scene) -> list[str]:
    """Drain every service; those that do not end well."""
    codes = {one.name: scene.fleet.end(one, signal.SIGTERM) for one in scene.fleet.members}
    return [f"{name} ended with {code} at the end" for name, code in codes.items() if code]
