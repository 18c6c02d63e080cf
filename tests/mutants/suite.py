"""What has to catch a planted bug: the simulation first, then the tests that are about it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant, copy_tree, plant

SEEDS = 600
LIMIT_SECONDS = 900
LONGEST_LINE = 120


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant; `caught_by` is None where nothing failed."""

    mutant: Mutant
    caught_by: str | None

    def __str__(self) -> str:
        how = f"caught  {self.mutant.name}: {self.caught_by}"
        return how if self.caught_by else f"MISSED  {self.mutant.name}: {self.mutant.harm}"


def judge(mutant: Mutant) -> Verdict:
    """Plant one bug in a copy of the tree, and look what fails."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        plant(mutant, tree)
        simulated = simulate(tree) if mutant.simulated else None
        return Verdict(mutant, simulated or run_tests(tree, mutant.tests))


def judge_no_mutant(mutants: Iterable[Mutant]) -> str | None:
    """What fails in a copy without any bug, and must not: then nothing is proved."""
    mutants = tuple(mutants)
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy_tree(Path(folder))
        failed = simulate(Path(folder)) if any(one.simulated for one in mutants) else None
        every = sorted({path for one in mutants for path in one.tests})
        return failed or run_tests(Path(folder), every)


def simulate(tree: Path) -> str | None:
    """The first seed that fails, of a bounded number."""
    options = ("--seeds", str(SEEDS), "--processes", "1", "--until-failure")
    shown = _python(tree, "-m", "tests.simulation", *options)
    return _first(shown, "seed ", "ERROR", "never ended")


def run_tests(tree: Path, paths: Sequence[str]) -> str | None:
    """The first test that fails."""
    if not paths:
        return None
    options = ("-x", "-q", "--no-header", "-p", "no:cacheprovider", "--tb=no", "-rfE")
    shown = _python(tree, "-m", "pytest", *options, *paths)
    return _first(shown, "FAILED ", "ERROR", "never ended")


def _python(tree: Path, *arguments: str) -> list[str]:
    try:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=tree,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"never ended in {LIMIT_SECONDS} seconds"]
    lines = ended.stdout.splitlines()
    if ended.returncode and not lines:
        lines = [f"ERROR {line}" for line in ended.stderr.splitlines()[-1:]]
    return lines


def _first(lines: Iterable[str], *beginnings: str) -> str | None:
    found = next((line for line in lines if line.startswith(beginnings)), None)
    return found[:LONGEST_LINE] if found else None
