"""`python -m tests.soak --minutes 60 --seed 1`: exit code 1 if any promise was broken."""

import argparse
import logging
import shutil
import sys
import time
from pathlib import Path

from millrace.wiring import run
from shared.observe.logs import configure_logs
from tests.soak.report import table
from tests.soak.running import soak
from tests.soak.scale import Scale


def main() -> int:
    asked = _asked()
    # What this side hears of broken connections says nothing: it is the one that breaks them.
    configure_logs("error")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    scale = Scale(asked.minutes * 60, asked.seed, rate=asked.rate, calm_seconds=asked.calm)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.0f} s  {text}", flush=True)

    outcome = run(soak(scale, say, lambda log: asked.log and shutil.copy(log, asked.log)))
    for line in table(outcome):
        print(line)
    return 1 if outcome.faults else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=Scale.rate, help="jobs a second, at most")
    parser.add_argument("--calm", type=float, default=Scale.calm_seconds, help="seconds")
    parser.add_argument("--log", type=Path, help="where to keep the log of all services")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
