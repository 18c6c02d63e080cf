"""One planted bug, and the copy of the tree that it is planted in."""

import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "services", "millrace", "tests", "examples", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("__pycache__")


class Misfit(Exception):
    """The text that a mutant replaces is not there exactly once."""


@dataclass(frozen=True)
class Mutant:
    """One bug.

    Attributes:
        name: what is wrong, in a few words.
        file: where, relative to the root.
        old, new: the text that is replaced, found exactly once, and what stands there then.
        harm: what the bug would do to a user.
        tests: those that are about it, tried when the simulation has found nothing.
        simulated: whether the simulation runs the file at all.
    """

    name: str
    file: str
    old: str
    new: str
    harm: str
    tests: tuple[str, ...] = ()
    simulated: bool = True

    def mutated(self, root: Path = ROOT) -> str:
        """The file's text with the bug in it."""
        text = (root / self.file).read_text()
        if text.count(self.old) != 1:
            raise Misfit(f"{self.name}: found {text.count(self.old)} times in {self.file}")
        changed = text.replace(self.old, self.new)
        compile(changed, self.file, "exec")
        return changed


def copy_tree(target: Path) -> None:
    """Copy to `target` what tests need of the tree."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, target / name)


def plant(mutant: Mutant, tree: Path) -> None:
    """Put the bug into a copy."""
    (tree / mutant.file).write_text(mutant.mutated())
