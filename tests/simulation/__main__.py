"""`python -m tests.simulation --seeds N --start FIRST`: simulate many seeds, on all cores."""

import argparse
import gc
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.simulation.faults import ENDINGS, KINDS
from tests.simulation.running import Outcome, run

FEW = 50


def place() -> Path:
    """A directory in memory, where there is one."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="millrace-", dir=shared if shared.is_dir() else None))


def some(seeds: range) -> list[Outcome]:
    """The outcomes of a few seeds, one after another."""
    root = place()
    try:
        return [run(seed, root / "lane") for seed in seeds]
    finally:
        root.rmdir()


def many(seeds: range, processes: int) -> Iterator[Outcome]:
    """The outcomes of all seeds, in their order."""
    shares = [seeds[at : at + FEW] for at in range(0, len(seeds), FEW)]
    # A process ends after its share, which is quicker than to collect its garbage.
    context = multiprocessing.get_context("fork")
    with context.Pool(processes, initializer=gc.disable, maxtasksperchild=1) as pool:
        for outcomes in pool.imap(some, shares):
            yield from outcomes


def table(counts: Counter[str]) -> str:
    """How often each fault and each ending occurred."""
    return "\n".join(f"{counts[kind]:>9}  {kind}" for kind in (*KINDS, *ENDINGS))


def show(seed: int) -> int:
    """One seed, step by step."""
    root = place()
    outcome = run(seed, root / "lane", trace=True)
    root.rmdir()
    print(*outcome.trace, *outcome.broken, sep="\n")
    return bool(outcome.broken)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", action="store_true", help="show the first, step by step")
    options = parser.parse_args()
    if options.trace:
        return show(options.start)
    counts: Counter[str] = Counter()
    failed: list[Outcome] = []
    for outcome in many(range(options.start, options.start + options.seeds), options.processes):
        counts += outcome.counts
        if outcome.broken:
            failed.append(outcome)
            print(f"seed {outcome.seed}: {outcome.broken[0]}", flush=True)
    print(table(counts))
    first = f"; the first: {failed[0].seed}" if failed else ""
    print(f"{options.seeds} seeds, {len(failed)} failed{first}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
