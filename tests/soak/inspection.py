"""What must be true when every job has ended: of events, files, objects, messages, processes."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress

from shared.broker.base import Delivery
from shared.jobs import directory_name
from tests.soak.fleet import Footprint, holders
from tests.soak.places import objects_of, whole
from tests.soak.post import Lot
from tests.soak.scene import Scene

_MORE_MEMORY = 1.25
_MORE_MEMORY_BYTES = 32 << 20
_MORE_DESCRIPTORS = 12
_BAD_LINES = re.compile(
    r'never retrieved|was destroyed but|"event":"(delivery not handled|supervisor)"'
)


async def inspect(
    scene: Scene, warm: Mapping[str, Footprint], last: Mapping[str, Footprint]
) -> list[str]:
    """Everything that is wrong, one sentence each."""
    found = list(scene.post.faults)
    for lot in scene.lots:
        found += lot.ledger.faults(scene.scale.attempts)
        found += _on_disk(lot)
        found += await asyncio.to_thread(list, _in_storage(lot))
        found += _parked(lot, await _dead(scene, lot))
    found += scene.fleet.fallen
    found += _in_log(scene)
    found += _grown(warm, last)
    return found


# ── files ────────────────────────────────────────────────────────────────────────────────────


def _on_disk(lot: Lot) -> Iterator[str]:
    places = lot.places
    yield from (f"{name}: is left in the work directory" for name in places.left())
    yield from (f"{name}: is a stranger in the work directory" for name in places.strangers())
    receipts = places.receipts()
    yield from (f"{name}: has no receipt" for name in lot.ledger.runs.keys() - receipts)
    yield from (
        f"{name}: has a receipt, and was not ordered" for name in receipts - lot.ledger.runs.keys()
    )


# ── objects ──────────────────────────────────────────────────────────────────────────────────


def _in_storage(lot: Lot) -> Iterator[str]:
    yield from (f"{name}: is left in the storage" for name in lot.places.shop.unfinished())
    stored = lot.places.shop.sizes("")
    owners: dict[str, str] = {}
    for run in lot.ledger.completed:
        for result in run.end["results"]:
            if (
                not whole(result, stored)
                or lot.places.shop.digest(result["key"]) != result["sha256"]
            ):
                yield f"{run.name}: {result['key']} is not what was stored"
            for key in objects_of(result, stored):
                if key in owners:
                    yield f"{run.name}: has the same {key} as {owners[key]}"
                owners[key] = run.name
    yield from (
        f"{key}: is stored, and no completed job's" for key in stored.keys() - owners.keys()
    )


# ── messages ─────────────────────────────────────────────────────────────────────────────────


async def _dead(scene: Scene, lot: Lot) -> list[Delivery]:
    """All parked messages, taken out."""
    found: list[Delivery] = []
    inbox: asyncio.Queue[Delivery] = asyncio.Queue()
    count = await scene.broker.depth(lot.ledger.lane.dead)
    subscription = await scene.broker.subscribe(lot.ledger.lane.dead, 100, inbox.put_nowait)
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while len(found) < count:
                found.append(await inbox.get())
                await found[-1].ack()
    await subscription.cancel()
    return found


def _parked(lot: Lot, parked: list[Delivery]) -> Iterator[str]:
    """A failed run and a refused message are parked, and nothing else is."""
    names = Counter(_name_of(delivery) for delivery in parked)
    wanted = {run.name for run in lot.ledger.failed if run.end.get("source")}
    wanted |= lot.ledger.refused.keys()
    yield from (f"{name}: is not parked" for name in wanted - names.keys())
    yield from (f"{name}: is parked, and has not failed" for name in names.keys() - wanted)


def _name_of(delivery: Delivery) -> str:
    headers = delivery.message.headers
    if "run" in headers:
        job_id = json.loads(delivery.message.body)["jobId"]
        return f"{directory_name(job_id)}.{headers['run']}"
    return delivery.message.message_id or "?"


# ── processes ────────────────────────────────────────────────────────────────────────────────


def _in_log(scene: Scene) -> Iterator[str]:
    with scene.log.open(errors="replace") as lines:
        for line in lines:
            if _BAD_LINES.search(line):
                yield f"in the log: {line.strip()[:500]}"


def _grown(warm: Mapping[str, Footprint], last: Mapping[str, Footprint]) -> Iterator[str]:
    for name, now in last.items():
        before = warm[name]
        if now.memory_bytes > before.memory_bytes * _MORE_MEMORY + _MORE_MEMORY_BYTES:
            yield f"{name} has grown from {before.memory_bytes} to {now.memory_bytes} bytes"
        if now.descriptors > before.descriptors + _MORE_DESCRIPTORS:
            yield f"{name} has {now.descriptors} descriptors open, and had {before.descriptors}"
        yield from (f"{name} holds {path} open" for path in now.held_files)


def still_held(scene: Scene) -> list[str]:
    """Processes that have outlived the services."""
    return [f"still runs: {argv}" for argv in holders(str(scene.work))]
