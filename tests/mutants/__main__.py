"""`python -m tests.mutants`: plant every bug, one at a time, and see that it is caught."""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.lists import EVERY
from tests.mutants.mutant import Misfit, Mutant
from tests.mutants.suite import judge, judge_no_mutant


def chosen(words: str) -> list[Mutant]:
    """The mutants whose names contain `words`."""
    return [mutant for mutant in EVERY if words in mutant.name]


def hunt(mutants: Sequence[Mutant], processes: int) -> int:
    """Judge them all; 1 unless all are caught. Its last line says how many were."""
    if failed := judge_no_mutant(mutants):
        print(f"Without any planted bug something fails already: {failed}")
        return 1
    caught = 0
    with ThreadPoolExecutor(processes) as pool:
        for verdict in pool.map(judge, mutants):
            caught += verdict.caught_by is not None
            print(verdict, flush=True)
    print(f"caught {caught} of {len(mutants)}")
    return int(caught < len(mutants))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those whose names contain this")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    mutants = chosen(options.only)
    try:
        for mutant in mutants:
            mutant.mutated()
    except Misfit as misfit:
        print(f"A planted bug does not fit the code any more. {misfit}")
        return 1
    if not mutants:
        print(f"No planted bug has a name with {options.only!r} in it.")
        return 1
    return hunt(mutants, options.processes)


if __name__ == "__main__":
    sys.exit(main())
