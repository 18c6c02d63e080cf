"""The workspace does what a plain model says, whoever dies at whatever operation."""

from tests.state_machine.__main__ import explore
from tests.state_machine.machine import HAPPENED

MUST_HAPPEN = (
    *(f"begin: {how}" for how in ("done", "died", "Closed", "JobIdReused", "JobLocked")),
    *(f"resume: {how}" for how in ("done", "died", "Closed", "FilesLost", "JobLocked")),
    *(f"close: {how}" for how in ("done", "died", "JobLocked")),
    *(f"{what}: {how}" for what in ("work", "commit", "receipt") for how in ("done", "died")),
    "remove: done",
    "let go: done",
    "between: died",
    "survey: None",
    "survey: past its deadline",
    "survey: closed, but still there",
)


def test_workspace_and_model_do_not_differ() -> None:
    HAPPENED.clear()
    explore(150, 50, derandomize=True)
    missing = [what for what in MUST_HAPPEN if not HAPPENED[what]]
    assert not missing, HAPPENED
