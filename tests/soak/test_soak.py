"""A soak that is short enough for every test run."""

import pytest

from tests.soak.report import table
from tests.soak.running import soak
from tests.soak.scale import Scale


@pytest.mark.integration
@pytest.mark.timeout(400)
async def test_a_short_soak_breaks_no_promise() -> None:
    scale = Scale(
        seconds=12, seed=3, rate=5, open_jobs=40, calm_seconds=1.5, copies=2, attempts=2,
        drain_seconds=180,
    )  # fmt: skip
    outcome = await soak(scale, print, keep=lambda _: None)
    report = "\n".join(table(outcome))
    assert not outcome.faults, report
    ended = sum(len(lot.ledger.runs) for lot in outcome.scene.lots)
    assert ended > 20, report
    assert outcome.scene.nemesis.done.total() > 2, report
