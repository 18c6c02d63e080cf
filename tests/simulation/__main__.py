"""`python -m tests.simulation --seeds N --start FIRST`: simulate many seeds, on all cores."""

import argparse
import gc
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.simulation.faults import ENDINGS, KINDS
from tests.simulation.running import Outcome, run

FEW = 50
# In so many seeds every fault and every ending occurs.
ENOUGH = 300


def some(seeds: range) -> list[Outcome]:
    """The outcomes of a few seeds, one after another."""
    return [run(seed) for seed in seeds]


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


def missing(counts: Counter[str]) -> list[str]:
    """Faults and endings that did not occur."""
    return [kind for kind in (*KINDS, *ENDINGS) if not counts[kind]]


def show(seed: int) -> int:
    """One seed, step by step."""
    outcome = run(seed, trace=True)
    print(*outcome.trace, *outcome.broken, sep="\n")
    return bool(outcome.broken)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=ENOUGH, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--until-failure", action="store_true", help="end at the first that fails")
    parser.add_argument("--trace", action="store_true", help="show the first, step by step")
    options = parser.parse_args()
    if options.trace:
        return show(options.start)
    seeds = range(options.start, options.start + options.seeds)
    outcomes = many(seeds, options.processes)
    if options.until_failure:
        outcomes = until_failure(outcomes)
    return judge(outcomes)


def until_failure(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """No more than the first outcome that has something broken."""
    for outcome in outcomes:
        yield outcome
        if outcome.broken:
            return


def judge(outcomes: Iterable[Outcome]) -> int:
    """Tell of all outcomes; 1 if a promise was broken, or a fault of enough seeds is missing."""
    counts: Counter[str] = Counter()
    failed: list[int] = []
    seeds = 0
    for seeds, outcome in enumerate(outcomes, 1):  # noqa: B007
        counts += outcome.counts
        if outcome.broken:
            failed.append(outcome.seed)
            print(f"seed {outcome.seed}: {outcome.broken[0]}", flush=True)
    print(table(counts))
    faults = sum(counts[kind] for kind in KINDS)
    print(f"{counts['runs'] / seeds:.1f} runs of jobs, {faults / seeds:.1f} faults a seed")
    never = missing(counts) if seeds >= ENOUGH else []
    if never:
        print(f"never occurred: {', '.join(never)}")
    first = f"; the first: {failed[0]}" if failed else ""
    print(f"{seeds} seeds, {len(failed)} failed{first}")
    return bool(failed or never)


if __name__ == "__main__":
    sys.exit(main())
