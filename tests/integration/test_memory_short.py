"""The benchmark of memory, on a film that is small enough for every test run."""

import subprocess
import sys

import pytest

from bench import memory_gauge
from bench.memory import GOAL, MIB
from bench.memory_footprint import MEASURED, footprints
from bench.memory_storage import STORAGES

SIZE = 200 * MIB

# Peaks are read and reset through /proc, which only Linux has; the services run elsewhere too.
pytestmark = pytest.mark.skipif(
    not memory_gauge.can_measure(), reason="peaks of memory are read from /proc"
)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_large_film_takes_little_memory(amqp_url: str, storage: str) -> None:
    with STORAGES[storage]() as settings:
        found = footprints(amqp_url, SIZE, settings)
    assert tuple(footprint.service for footprint in found) == MEASURED
    for footprint in found:
        assert footprint.more < GOAL, footprint


def test_memory_that_was_held_for_a_moment_is_seen() -> None:
    spike = f"input(); bytearray({SIZE}); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", spike], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        baseline = memory_gauge.begin(process.pid)
        process.stdin.write(b"\n")
        process.stdout.read(1)
        assert memory_gauge.peak(process.pid) > baseline + SIZE * 0.9
        assert memory_gauge.begin(process.pid) < baseline + SIZE * 0.1
        assert memory_gauge.peak(process.pid) < baseline + SIZE * 0.1
        process.stdin.write(b"\n")
