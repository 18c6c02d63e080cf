"""Three hundred seeds keep every promise, meet every fault, and are the same in every replay."""

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.__main__ import many, table
from tests.simulation.faults import ENDINGS, KINDS
from tests.simulation.running import run

SEEDS = range(300)


@pytest.mark.slow
def test_every_promise_is_kept_and_every_fault_and_ending_occurs() -> None:
    counts: Counter[str] = Counter()
    broken = []
    for outcome in many(SEEDS, processes=2):
        counts += outcome.counts
        broken += [f"seed {outcome.seed}: {sentence}" for sentence in outcome.broken]
    assert not broken, "\n".join(broken[:20])
    assert all(counts[kind] for kind in (*KINDS, *ENDINGS)), "\n" + table(counts)


@pytest.mark.parametrize("seed", range(8))
def test_a_seed_replays_exactly(seed: int, tmp_path: Path) -> None:
    first = run(seed, tmp_path / "lane", trace=True)
    again = run(seed, tmp_path / "lane", trace=True)
    assert first.trace == again.trace
    assert first.digest == again.digest
    assert len(first.trace) > 20
