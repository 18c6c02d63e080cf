"""Photos per second with a GPU, beside all cores of the same machine.

    python -m bench.gpu [FOLDER] [--rounds N] [--batches N…]

A photo is decoded, and made into the three sizes of the preset `web` and the operation `blur`: at
first without encoding anything, then with files as the preset has them, in WebP and AVIF. The time
that this takes more is shown as a share, `encoding`.

pillow, vips           the engines without a GPU, in a child for each core
cuda N                 the engine `cuda` as in the service: N children, so N photos at once, and at
                       most N of their questions in one batch of the GPU. Pillow decodes
cuda N, decoding       the same with PROCESS_GPU_DECODE: nvImageCodec decodes, where it can
the GPU alone N        batches of N files in memory, decoded, resized and blurred by the GPU in one
                       process: what is left of a row above is the way to the children and back

All take turns, round by round; the table has medians. Without a GPU the program says so and ends.
"""

import argparse
import asyncio
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import PIL
import pyvips
from rich.console import Console
from rich.table import Table

from bench.gpu_alone import Hardware
from bench.gpu_work import Contender, Round, measured
from bench.images import FOLDER, photos_of, processor
from services.process.cores import usable_cores
from shared.errors import EngineUnavailable
from shared.observe.logs import configure_logs

BATCHES = (1, 8, 32)
PEER = "pillow"
THIS_MACHINES = Hardware()
Rounds: TypeAlias = dict[Contender, list[Round]]


def main(arguments: Sequence[str] | None = None, hardware: Hardware = THIS_MACHINES) -> None:
    """Print a line for each contender and round, then the table."""
    asked = _arguments(arguments)
    configure_logs("warning", "console")
    photos = [Path(photo.path) for photo in photos_of(asked.folder)]
    rounds = asyncio.run(_measure(photos, asked.batches, asked.rounds, hardware))
    print(f"\n{asked.folder.name}, {usable_cores()} cores of {processor()}")
    print(_versions())
    _print_table(rounds)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    return parser.parse_args(arguments)


def _contenders(batches: Sequence[int]) -> list[Contender]:
    """The GPU comes first: without one, nobody waits for the others."""
    return [
        *(Contender(f"cuda {size}", size) for size in batches),
        *(Contender(f"cuda {size}, decoding", size, decodes=True) for size in batches),
        *(Contender(f"the GPU alone {size}", size, alone=True) for size in batches),
        Contender(PEER, usable_cores(), "pillow"),
        Contender("vips", usable_cores(), "vips"),
    ]


async def _measure(
    photos: Sequence[Path], batches: Sequence[int], rounds: int, hardware: Hardware
) -> Rounds:
    contenders, found = _contenders(batches), Rounds()
    for number in range(rounds):
        for contender in list(contenders):
            try:
                made = await measured(contender, photos, hardware)
            except Exception as error:  # whatever CUDA's libraries raise
                if not found:
                    raise SystemExit(f"There is nothing to measure: {_reason(error)}") from None
                contenders.remove(contender)
                found.pop(contender, None)
                said = f"left out: {_reason(error)}"
            else:
                found.setdefault(contender, []).append(made)
                said = f"{made.pixels:8.2f} photos/s"
            print(f"round {number + 1}  {contender.name:<20} {said}", flush=True)
    return found


def _reason(error: Exception) -> str:
    named = "" if isinstance(error, EngineUnavailable) else f"{type(error).__name__}: "
    return f"{named}{error}".splitlines()[0]


# ── the table ────────────────────────────────────────────────────────────────────────────────


def _print_table(rounds: Rounds) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in (
        *("photos/s", f"of {PEER}", "CPU s/photo", "in a batch"),
        *("with files", f"of {PEER}", "encoding", "GPU failed"),
    ):
        table.add_column(name, justify="right", no_wrap=True)
    (peer,) = (shown for contender, shown in rounds.items() if contender.name == PEER)
    for contender, shown in rounds.items():
        table.add_row(contender.name, *_row(shown, peer))
    Console(width=140).print(table)


def _row(shown: Sequence[Round], peer: Sequence[Round]) -> list[str]:
    pixels, files = _median(shown, lambda one: one.pixels), _median(shown, lambda one: one.files)
    return [
        f"{pixels:.2f}",
        f"{pixels / _median(peer, lambda one: one.pixels):.2f}",
        _or_none("{:.3f}", _median(shown, lambda one: one.cpu)),
        _or_none("{:.1f}", _median(shown, lambda one: one.together)),
        _or_none("{:.2f}", files),
        _or_none("{:.2f}", files / _median(peer, lambda one: one.files)),
        f"{1 - files / pixels:.0%}" if files else "",
        _or_none("{} photos", sum(one.without for one in shown)),
    ]


def _median(shown: Sequence[Round], what: Callable[[Round], float]) -> float:
    return statistics.median(map(what, shown))


def _or_none(form: str, value: float) -> str:
    return form.format(value) if value else ""


def _versions() -> str:
    return (
        f"Pillow {PIL.__version__}, libvips {'.'.join(str(pyvips.version(n)) for n in range(3))}\n"
    )


if __name__ == "__main__":
    main()
