"""`python -m tests.ffmpegs`: the tests of films, once with each version of ffmpeg.

`--fetch` only fetches the oldest one, which a short test in `make test` uses. What else is given
goes to pytest. Nothing of the machine is touched: the programs lie in .venv/ffmpegs.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.ffmpegs.builds import BUILDS, OLDEST, TOO_OLD, NoBuild

TESTS = (
    "tests/unit/services/process/video",
    "tests/integration/films",
    "tests/integration/test_streaming.py",
)


def tested(name: str, program: Path, arguments: Sequence[str]) -> bool:
    """Whether the tests pass with that program."""
    pytest = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rs", "--no-header"]
    environment = {**os.environ, "FFMPEG": str(program)}
    print(f"== ffmpeg {name}", flush=True)
    ended = subprocess.run([*pytest, *(arguments or TESTS)], env=environment, check=False)
    return ended.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ffmpegs", description=__doc__)
    parser.add_argument("--only", default="", help="the versions that begin so")
    parser.add_argument("--fetch", action="store_true", help="only fetch the oldest, if possible")
    options, arguments = parser.parse_known_args()
    try:
        if options.fetch:
            OLDEST.fetch()
            return 0
        TOO_OLD.fetch()
        programs = {
            build.version: build.fetch()
            for build in BUILDS
            if build.version.startswith(options.only)
        }
    except NoBuild as error:
        print(error, file=sys.stderr)
        return 0 if options.fetch else 1
    if not programs:
        print(f"There is no build of ffmpeg {options.only}.", file=sys.stderr)
        return 1
    ended = {name: tested(name, program, arguments) for name, program in programs.items()}
    for name, passed in ended.items():
        print(f"ffmpeg {name}: {'passed' if passed else 'FAILED'}")
    return int(not all(ended.values()))


if __name__ == "__main__":
    sys.exit(main())
