"""Three hundred seeds keep every promise, meet every fault, and are the same in every replay."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.__main__ import ENOUGH, judge, many, missing, table
from tests.simulation.faults import ENDINGS, KINDS
from tests.simulation.running import Outcome, run

SEEDS = range(ENOUGH)


@pytest.mark.slow
def test_every_promise_is_kept_and_every_fault_and_ending_occurs() -> None:
    counts: Counter[str] = Counter()
    broken = []
    for outcome in many(SEEDS, processes=2):
        counts += outcome.counts
        broken += [f"seed {outcome.seed}: {sentence}" for sentence in outcome.broken]
    assert not broken, "\n".join(broken[:20])
    assert not missing(counts), "\n" + table(counts)


@pytest.mark.parametrize("seed", range(8))
def test_a_seed_replays_exactly(seed: int) -> None:
    first = run(seed, trace=True)
    again = run(seed, trace=True)
    assert first.trace == again.trace
    assert len(first.trace) > 20


@pytest.mark.parametrize("seed", [3, 4])
def test_a_seed_replays_exactly_in_another_process(seed: int) -> None:
    """Nothing depends on where objects lie, or on how this process hashes strings."""
    assert _traced(seed, hashes="1") == _traced(seed, hashes="2")


def _traced(seed: int, *, hashes: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--start", str(seed), "--trace"]
    shown = subprocess.run(
        command,
        env={**os.environ, "PYTHONHASHSEED": hashes},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(shown.splitlines()) > 20
    return shown


def test_a_broken_promise_and_a_missing_fault_are_told_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    every = Counter(dict.fromkeys((*KINDS, *ENDINGS), 1))
    fine = [Outcome(seed, [], every) for seed in range(300)]
    assert judge(fine) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "300 seeds, 0 failed"
    broken = Outcome(7, ["a job is lost"], every)
    assert judge([broken, fine[8]]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 seeds, 1 failed; the first: 7"
    rare = Counter({"runs": 1})
    assert judge([Outcome(seed, [], rare) for seed in range(300)]) == 1
    assert "never occurred: crash before a file" in capsys.readouterr().out
