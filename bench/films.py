"""What a film costs: Millrace beside ffmpeg by hand.

    python -m bench.films [--rounds N] [--seconds N] [--hour SECONDS]

film        the preset `film`, everything encoded: three sizes, a poster, a storyboard. A whole job
            in a running service: fetched, made, checked, hashed, stored, cleaned up
command     one ffmpeg command, written by hand, that makes the same outputs: the limit
sequence    one ffmpeg process for each output, one after the other: the common way
two         two such jobs at the same time
copy        the largest size alone, of a film that is already what is wanted, as is its sound
encode      the same, encoded
surround    like copy, but the sound has six channels, and is encoded
poster      of an hour-long film; the time in the process stage, since fetching a file of that size
            takes what the disk takes
storyboard  of the hour-long film, likewise
decode      ffmpeg decodes the hour and throws the pictures away

The films are examples/bunny.mp4, repeated without encoding it anew. film, command and sequence
take turns, round by round; the table has medians. CPU seconds are those of ffmpeg and the children,
and of the service itself: on a busy machine they say more than the times.
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from millrace.embedded import Embedded
from millrace.wiring import run
from services.process.video.ffmpeg.ffmpeg import find
from shared.jobs import DownloadJob, Operation
from shared.observe.logs import configure_logs

BUNNY = Path(__file__).resolve().parents[1] / "examples" / "bunny.mp4"
BUNNY_SECONDS = 5.312
SIZES = ((1280, 720), (854, 480), (640, 360))
FILM = ({"op": "renditions", "crf": 23}, "poster", "storyboard")
COPY = {"op": "renditions", "heights": [720]}


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of all processors together."""

    seconds: float
    cpu: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=64, help="length of the shorter film")
    parser.add_argument("--hour", type=float, default=3600, help="length of the longer film")
    asked = parser.parse_args()
    configure_logs("error", "console")
    run(_measure(asked.rounds, asked.seconds, asked.hour))


async def _measure(rounds: int, seconds: float, hour: float) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        folder = Path(name)
        minute = _looped(folder / "minute.mp4", seconds)
        async with Embedded.opened(folder / "out", source_roots={folder}) as service:
            bench = Bench(service, folder)
            await bench.job(minute, "poster")  # children and ffmpeg are found
            table = _Table(find().name)
            await _passes(bench, minute, rounds, table)
            await _copies(bench, minute, rounds, table)
            minute_memory = psutil.Process().memory_info().rss
            await _hour(bench, _looped(folder / "hour.mp4", hour), table)
            grown = psutil.Process().memory_info().rss - minute_memory
            table.row("memory of the service", f"{grown / 2**20:+.1f} MiB", "hour after minute", "")
        table.show()


class Bench:
    """Jobs in a running service, and ffmpeg by hand."""

    def __init__(self, service: Embedded, folder: Path) -> None:
        self._service = service
        self._folder = folder
        self._number = 0

    async def job(self, source: Path, *operations: Any) -> tuple[Spent, dict[str, float]]:
        """What one whole job took, and the seconds of each stage."""
        self._number += 1
        wanted = tuple(Operation.model_validate(operation) for operation in operations)
        message = DownloadJob(
            job_id=f"film-{self._number}", source=source.as_uri(), operations=wanted
        )
        begun, own = time.perf_counter(), time.process_time()
        end = await self._service.run(message)
        seconds = time.perf_counter() - begun
        assert end.completed, end.sentence
        receipt = end.data["receipt"]
        cpu = time.process_time() - own + receipt["cpuSeconds"]
        return Spent(seconds, cpu), receipt["secondsPerStage"]

    async def two_at_once(self, source: Path, *operations: Any) -> Spent:
        """What two jobs took together."""
        begun, own = time.perf_counter(), time.process_time()
        made = await asyncio.gather(*(self.job(source, *operations) for _ in range(2)))
        seconds, spent = time.perf_counter() - begun, time.process_time() - own
        # Each job counted the service's own time for both.
        cpu = sum(job.cpu for job, _ in made) - spent
        return Spent(seconds, cpu)

    def by_hand(self, *commands: Sequence[str]) -> Spent:
        """What these ffmpeg commands took, one after the other."""
        with tempfile.TemporaryDirectory(dir=self._folder) as out:
            begun, before = time.perf_counter(), _children_cpu()
            for command in commands:
                argv = [str(find_once()), "-v", "error", "-nostdin", "-y", *command]
                subprocess.run(argv, check=True, cwd=out)
            return Spent(time.perf_counter() - begun, _children_cpu() - before)


_found: list[Path] = []


def find_once() -> Path:
    """The program that Millrace takes."""
    if not _found:
        _found.append(find().path)
    return _found[0]


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _looped(path: Path, seconds: float) -> Path:
    times = max(0, round(seconds / BUNNY_SECONDS) - 1)
    argv = [str(find_once()), "-v", "error", "-stream_loop", str(times), "-i", str(BUNNY)]
    subprocess.run([*argv, "-c", "copy", "-movflags", "+faststart", str(path)], check=True)
    return path


def _in_stereo(film: Path) -> Path:
    path = film.with_name("stereo.mp4")
    sound = ("-c:a", "aac", "-b:a", "128k", "-ac", "2")
    argv = [str(find_once()), "-v", "error", "-i", str(film), "-c:v", "copy", *sound]
    subprocess.run([*argv, "-movflags", "+faststart", str(path)], check=True)
    return path


# ── the rows ─────────────────────────────────────────────────────────────────────────────────


async def _passes(bench: Bench, film: Path, rounds: int, table: "_Table") -> None:
    ours, command, sequence, two = [], [], [], []
    for _ in range(rounds):
        ours.append((await bench.job(film, *FILM))[0])
        command.append(bench.by_hand([*_one_command(film)]))
        sequence.append(bench.by_hand(*_one_by_one(film)))
        two.append(await bench.two_at_once(film, *FILM))
    table.row("film", _both(ours), "", "")
    table.row("command", _both(command), *_ratio(ours, command, "at most 1.03", 1.03))
    table.row("sequence", _both(sequence), *_times(sequence, ours, 1.25))
    after = [Spent(2 * one.seconds, 2 * one.cpu) for one in ours]
    table.row("two", _both(two), *_ratio(two, after, "of one after the other, 1.0", 1.0))


async def _copies(bench: Bench, film: Path, rounds: int, table: "_Table") -> None:
    stereo = _in_stereo(film)
    copied, encoded, surround = [], [], []
    for _ in range(rounds):
        copied.append((await bench.job(stereo, COPY))[0])
        encoded.append((await bench.job(stereo, {**COPY, "copySource": False}))[0])
        surround.append((await bench.job(film, COPY))[0])
    table.row("copy", _both(copied), "", "")
    table.row("encode", _both(encoded), *_times(encoded, copied, 20))
    table.row("surround", _both(surround), "", "")


async def _hour(bench: Bench, film: Path, table: "_Table") -> None:
    _, poster = await bench.job(film, "poster")
    _, board = await bench.job(film, "storyboard")
    decoded = bench.by_hand(("-i", str(film), "-an", "-f", "null", "-"))
    quick = "met" if poster["process"] < 1 else "missed"
    table.row("poster", f"{poster['process']:.2f} s", "under 1 s", quick)
    table.row("storyboard", f"{board['process']:.2f} s", "", "")
    ours = [Spent(board["process"], 0)]
    table.row("decode", _both([decoded]), *_times([decoded], ours, 10))


def _one_command(film: Path) -> Iterator[str]:
    yield from ("-i", str(film), "-filter_complex", _GRAPH)
    for number, (_, height) in enumerate(SIZES):
        yield from ("-map", f"[v{number}]", "-map", "0:a", *_encoder(height))
    yield from ("-map", "[poster]", "-frames:v", "1", "-c:v", "libwebp", "poster.webp")
    yield from ("-map", "[sheet]", "-frames:v", "1", "-c:v", "libwebp", "sheet.webp")


_SHEET = "fps=1,scale=160:90,tile=8x8"
_GRAPH = (
    "[0:v]split=4[v0][a][b][c];[a]scale=854:480,split[v1][d];[d]scale=640:360[v2];"
    f"[b]select=eq(n\\,150)[poster];[c]{_SHEET}[sheet]"
)


def _one_by_one(film: Path) -> Iterator[list[str]]:
    for width, height in SIZES:
        scale = ["-vf", f"scale={width}:{height}"]
        yield ["-i", str(film), *scale, *_encoder(height)]
    yield ["-ss", "6", "-i", str(film), "-frames:v", "1", "-c:v", "libwebp", "poster.webp"]
    yield ["-i", str(film), "-vf", _SHEET, "-frames:v", "1", "-c:v", "libwebp", "sheet.webp"]


def _encoder(height: int) -> list[str]:
    pictures = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "128k", "-ac", "2"]
    return [*pictures, *sound, "-movflags", "+faststart", f"{height}p.mp4"]


# ── the table ────────────────────────────────────────────────────────────────────────────────


def _median(runs: list[Spent], of: Callable[[Spent], float]) -> float:
    return statistics.median(map(of, runs))


def _both(runs: list[Spent]) -> str:
    seconds, cpu = _median(runs, lambda r: r.seconds), _median(runs, lambda r: r.cpu)
    return f"{seconds:.2f} s ({cpu:.2f} s CPU)"


def _ratio(ours: list[Spent], peer: list[Spent], goal: str, most: float) -> tuple[str, str]:
    ratio = _median(ours, lambda r: r.seconds) / _median(peer, lambda r: r.seconds)
    cpu = _median(ours, lambda r: r.cpu) / _median(peer, lambda r: r.cpu)
    said = f"Millrace takes {ratio:.3f} of it ({cpu:.3f} of its CPU); goal {goal}"
    return said, "met" if ratio <= most else "missed"


def _times(slow: list[Spent], fast: list[Spent], least: float) -> tuple[str, str]:
    ratio = _median(slow, lambda r: r.seconds) / _median(fast, lambda r: r.seconds)
    return f"Millrace is {ratio:.2f} times faster; goal {least:g}", (
        "met" if ratio >= least else "missed"
    )


class _Table:
    def __init__(self, program: str) -> None:
        self._table = Table(box=None, pad_edge=False, title=program, title_justify="left")
        for name in ("what", "took", "compared", "goal"):
            self._table.add_column(name, no_wrap=True)

    def row(self, *cells: str) -> None:
        self._table.add_row(*cells)

    def show(self) -> None:
        Console(width=140).print(self._table)


if __name__ == "__main__":
    main()
