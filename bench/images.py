"""Photos per second, beside sharp, Pillow and the codecs alone.

    python -m bench.images [FOLDER] [--rounds N] [--peers NAME…] [--cores N]

Preset `web` on every photo of a folder (the corpus beside the checkout, else `examples/`). The
contenders take turns, round by round, each in processes that are warm when its time begins; the
slow ones run once. Of what each made, the bytes and the mean SSIMULACRA2 are shown.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL
import pyvips

from bench.contenders import sharp_package
from bench.images_goals import print_goals
from bench.images_score import Verdict, judge
from bench.images_task import Made, Output, Photo, Task
from services.process.image.engine import Target
from services.process.image.operations import PHOTOS
from services.process.plan import plan
from shared.jobs import Operation

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus" / "photos"
FOLDER = CORPUS if CORPUS.is_dir() else ROOT / "examples"
SMALL = ("thumbnail", "blur", "low-quality")
SMALL_TIMES = 40  # as often is one photo made small, so that there is something to measure
_HERE = Path(__file__).parent / "contenders"


@dataclass(frozen=True)
class Contender:
    """Who takes part, and how it is started.

    Attributes:
        module: `bench.contenders.…`, or `sharp`.
        effort: of Millrace's operations; None for what the preset says.
        small: makes the small three of one photo instead of `web` of all.
        once: too slow for more than one round.
    """

    module: str
    way: str = ""
    effort: str | None = None
    small: bool = False
    once: bool = False


CONTENDERS = {
    "engine": Contender("engine"),
    "sharp at its best": Contender("sharp", "tuned"),
    "codecs alone": Contender("codecs"),
    "four services": Contender("pipeline"),
    "pillow, threads": Contender("pillow_threads", once=True),
    "engine, effort best": Contender("engine", effort="best", once=True),
    "sharp, common": Contender("sharp", "common", once=True),
    "engine, small three": Contender("engine", small=True),
    "sharp, small three": Contender("sharp", "tuned", small=True),
}


@dataclass
class Record:
    """What a contender showed in all rounds."""

    photos: int
    rounds: list[Made] = field(default_factory=list)
    verdict: Verdict | None = None

    @property
    def rate(self) -> float:
        """Photos per second, in the median."""
        return self.photos / statistics.median(made.seconds for made in self.rounds)


def main() -> None:
    """Print a line a round, then the table and the goals."""
    arguments = _arguments()
    names: Sequence[str] = arguments.peers
    records: dict[str, Record] = {}
    for number in range(arguments.rounds):
        for name in names:
            if number == 0 or not CONTENDERS[name].once:
                _round(name, number, arguments, records)
    _print_table(records, arguments)
    print_goals({name: record.rate for name, record in records.items()}, _verdicts(records))


def _verdicts(records: dict[str, Record]) -> dict[str, Verdict]:
    return {name: record.verdict for name, record in records.items() if record.verdict}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--peers", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    return parser.parse_args()


def _round(
    name: str, number: int, arguments: argparse.Namespace, records: dict[str, Record]
) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        task = _task(CONTENDERS[name], arguments, Path(folder))
        made = _made(CONTENDERS[name].module, task, Path(folder))
        record = records.setdefault(name, Record(len(task.photos)))
        record.rounds.append(made)
        record.verdict = record.verdict or judge(task)
    rate = len(task.photos) / made.seconds
    print(f"round {number + 1}  {name:<20} {rate:7.2f} photos/s", flush=True)


# ── the work ─────────────────────────────────────────────────────────────────────────────────


def _task(contender: Contender, arguments: argparse.Namespace, folder: Path) -> Task:
    photos = photos_of(arguments.folder)
    if contender.small:
        photos = [Photo(f"{n:02}-small", _largest(photos).path) for n in range(SMALL_TIMES)]
    operations = _operations(contender)
    outputs = [Output.of(target) for target in _targets(operations)]
    made = folder / "made"
    made.mkdir()
    return Task(contender.way, photos, operations, outputs, str(made), arguments.cores)


def photos_of(folder: Path) -> list[Photo]:
    """The photos in a folder; without any, the program ends."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    if not files:
        raise SystemExit(f"{folder} holds no .jpg or .png file.")
    return [Photo(f"{n:02}-{path.stem}", str(path.absolute())) for n, path in enumerate(files)]


def _largest(photos: Sequence[Photo]) -> Photo:
    """The one with the median number of bytes: neither the easiest nor the hardest."""
    return sorted(photos, key=lambda photo: Path(photo.path).stat().st_size)[len(photos) // 2]


def _operations(contender: Contender) -> list[str | dict[str, Any]]:
    if contender.small:
        return list(SMALL)
    parts = [part.model_dump(exclude_none=True) for part in PHOTOS.presets["web"]]
    return [
        {**part, **({"effort": contender.effort} if contender.effort else {})} for part in parts
    ]


def _targets(operations: Sequence[str | dict[str, Any]]) -> list[Target]:
    wanted = tuple(Operation.model_validate(one) for one in operations)
    wishes = [wish for recipe in plan(wanted, PHOTOS) for wish in recipe.wishes()]
    return [wish for wish in wishes if isinstance(wish, Target)]


# ── the contenders ───────────────────────────────────────────────────────────────────────────


def _made(module: str, task: Task, folder: Path) -> Made:
    description = folder / "task.json"
    task.write(description)
    if module == "sharp":
        command = ["node", str(_HERE / "sharp.mjs"), str(sharp_package.installed())]
    else:
        command = [sys.executable, "-m", f"bench.contenders.{module}"]
    done = subprocess.run(
        [*command, str(description)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return Made(**json.loads(done.stdout.splitlines()[-1]))


# ── the table ────────────────────────────────────────────────────────────────────────────────


def _print_table(records: dict[str, Record], arguments: argparse.Namespace) -> None:
    print(f"\n{arguments.folder.name}, {arguments.cores} cores of {processor()}")
    print(f"{_versions()}\n")
    print(f"{'':<20} {'photos/s':>8} {'CPU s/photo':>11} {'kB/photo':>8} {'score':>6}")
    for name, record in records.items():
        cpu = statistics.median(made.cpu_seconds for made in record.rounds) / record.photos
        verdict = record.verdict
        quality = (
            f"{verdict.size / record.photos / 1e3:8.0f} {verdict.score:6.2f}" if verdict else ""
        )
        print(f"{name:<20} {record.rate:8.2f} {cpu:11.3f} {quality}")


def processor() -> str:
    """The model of this machine's processor, and how many it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()} ({os.cpu_count()})"


def _versions() -> str:
    vips = f"libvips {'.'.join(str(pyvips.version(n)) for n in range(3))}"
    node = shutil.which("node")
    command = [node or "node", "--version"]
    said = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout if node else ""
    )
    nodes = f", Node {said.strip()}" if said else ""
    return f"Pillow {PIL.__version__}, {vips}, sharp {sharp_package.VERSION}{nodes}"


if __name__ == "__main__":
    main()
