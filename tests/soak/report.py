"""What a soak says at its end."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.soak.ledger import endings
from tests.soak.running import Outcome

_MIB = 1 << 20


def table(outcome: Outcome) -> Iterator[str]:
    """The lines of the report; the last one says whether the promises were kept."""
    scene = outcome.scene
    yield from _counted("jobs", endings(lot.ledger for lot in scene.lots))
    yield from _counted("faults", {(name,): n for name, n in scene.nemesis.done.items()})
    yield from _counted("besides", _besides(outcome))
    for name, last in outcome.last.items():
        warm = outcome.warm[name]
        yield (
            f"  {name}: {warm.memory_bytes // _MIB} → {last.memory_bytes // _MIB} MiB, "
            f"{warm.descriptors} → {last.descriptors} descriptors, {last.children} children"
        )
    yield from (f"for a moment: {moment}" for moment in scene.post.moments)
    yield from (f"left for the sweep: {name}" for name in outcome.left_for_the_sweep)
    yield from outcome.excerpts
    yield from (f"BROKEN {fault}" for fault in outcome.faults)
    yield verdict(outcome)


def _besides(outcome: Outcome) -> dict[tuple[str, ...], int]:
    scene = outcome.scene
    return {
        ("services started",): scene.fleet.starts,
        ("connections made through the proxies",): sum(line.carried for line in scene.cables),
        ("messages sent by users",): scene.post.sent,
        ("of them sent again, for want of a confirm",): scene.post.unconfirmed,
        ("terminal events",): scene.post.events.total(),
        ("terminal events that came again",): sum(
            run.times - 1 for lot in scene.lots for run in lot.ledger.runs.values() if run.times
        ),
    }


def _counted(title: str, counts: Mapping[Any, int]) -> Iterator[str]:
    yield f"{title}:"
    for names, count in sorted(counts.items()):
        yield f"  {count:7,}  {', '.join(names)}"


def verdict(outcome: Outcome) -> str:
    """The last line."""
    scale = outcome.scene.scale
    runs = sum(len(lot.ledger.runs) + len(lot.ledger.refused) for lot in outcome.scene.lots)
    faults = outcome.scene.nemesis.done.total()
    kept = f"{len(outcome.faults)} promises broken" if outcome.faults else "every promise kept"
    return (
        f"soak: {runs} jobs and {faults} faults in {outcome.disturbed_seconds / 60:.1f} minutes, "
        f"seed {scale.seed}: {kept}"
    )
