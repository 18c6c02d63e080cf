"""The long forms of the tests on pictures."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The slow ones here run only when slow tests are asked for: `-m slow`."""
    if "slow" in config.option.markexpr:
        return
    slow = [one for one in items if FOLDER in one.path.parents and "slow" in one.keywords]
    config.hook.pytest_deselected(items=slow)
    items[:] = [one for one in items if one not in slow]
