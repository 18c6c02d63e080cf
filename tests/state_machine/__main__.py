"""`python -m tests.state_machine --examples N --steps N`: look for a difference to the model."""

import argparse
import sys

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine import HAPPENED, WorkspaceMachine


def explore(examples: int, steps: int, *, derandomize: bool = False) -> None:
    """Try so many sequences of so many steps; raises what the shortest one that fails raises."""
    run_state_machine_as_test(
        WorkspaceMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.state_machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    explore(options.examples, options.steps)
    for what, times in sorted(HAPPENED.items()):
        print(f"{times:>9}  {what}")
    print(f"{options.examples} examples of {options.steps} steps, no difference to the model")
    return 0


if __name__ == "__main__":
    sys.exit(main())
