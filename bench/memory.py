"""The memory that a large film takes in the download and the upload service.

    python -m bench.memory [--size MIB] [--only local|s3]

A film of 2 GiB comes over HTTP, is stored as it is, and all its files go again. Baseline is
what a service holds after a small film, peak the most that it holds during the large one, both
as the kernel counts resident memory. S3 is moto's server unless S3_ENDPOINT_URL is set; it
keeps the film in memory, two or three times over. Temporary files go where TMPDIR says.
"""

import argparse
import sys
import time

from bench.memory_footprint import Footprint, footprints
from bench.memory_gauge import can_measure
from bench.memory_storage import STORAGES
from tests.servers.rabbitmq import rabbitmq

MIB = 1 << 20
GOAL = 64 * MIB
COLUMNS = "{:<10} {:<8} {:>12} {:>10} {:>10} {:>10}"


def main() -> int:
    """Print a table; returns 1 where a service took more than the goal."""
    arguments = _arguments()
    if not can_measure():
        sys.exit("bench.memory reads peaks of memory from /proc, and this system has none")
    print(COLUMNS.format("service", "storage", "baseline MiB", "peak MiB", "more MiB", "goal MiB"))
    met = True
    with rabbitmq() as url:
        for name in arguments.only or STORAGES:
            met &= _measure(url, name, arguments.size * MIB)
    return 0 if met else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=2048, metavar="MIB", help="the film's size")
    parser.add_argument(
        "--only", choices=list(STORAGES), action="append", help="leave the others out"
    )
    return parser.parse_args()


def _measure(url: str, storage: str, size: int) -> bool:
    """Print a line for each service; returns whether all met the goal."""
    started = time.monotonic()
    with STORAGES[storage]() as settings:
        found = footprints(url, size, settings)
    for footprint in found:
        print(_line(storage, footprint))
    print(f"{size // MIB} MiB with {storage}: {time.monotonic() - started:.1f} s", flush=True)
    return all(footprint.more < GOAL for footprint in found)


def _line(storage: str, footprint: Footprint) -> str:
    figures = (footprint.baseline, footprint.peak, footprint.more)
    mebibytes = [f"{figure / MIB:.1f}" for figure in figures]
    return COLUMNS.format(footprint.service, storage, *mebibytes, f"< {GOAL // MIB}")


if __name__ == "__main__":
    sys.exit(main())
