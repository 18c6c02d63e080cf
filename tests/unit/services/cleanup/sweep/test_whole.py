"""A whole sweep, and what it says of itself."""

import datetime
from dataclasses import asdict
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from tests.flow import Flow
from tests.unit.services.cleanup.sweep.lane import (
    HOUR,
    age,
    ended,
    everything,
    failed_run,
    overdue,
    sweep_of,
)


async def test_dry_run_reports_the_same_and_changes_nothing(one: Flow, tmp_path: Path) -> None:
    overdue(one, "late")
    await failed_run(one, tmp_path, "failed", 2 * HOUR)
    ended(one, "old", 49 * HOUR)
    (Path(one.workspace.trash) / "old.1.aa").mkdir()
    age(Path(one.workspace.trash) / "old.1.aa", 2 * HOUR)
    (one.workspace.root / "stranger").touch()
    before, keys = everything(one.workspace.root), await one.keys()
    dry = await sweep_of(one).run(dry_run=True)
    assert everything(one.workspace.root) == before
    assert await one.keys() == keys
    assert await one.broker.depth(one.lane.queue("cleanup")) == 0
    assert one.workspace.last_sweep() == {}
    assert asdict(dry) == asdict(await sweep_of(one).run())
    assert (dry.orphans, dry.objects, dry.receipts, dry.trash, dry.unknown) == (
        ["late.1"],
        ["failed/mine"],
        ["old.1.json"],
        ["old.1.aa"],
        ["stranger"],
    )


async def test_what_it_did_is_noted_for_every_service(one: Flow) -> None:
    overdue(one, "late")
    await sweep_of(one).run()
    noted = one.workspace.last_sweep()
    assert noted["orphansRemoved"] == 1
    datetime.datetime.fromisoformat(noted["lastRunAt"])


async def test_audit_has_a_line_for_each_removal(
    one: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = CapturingLogger()
    monkeypatch.setattr("services.cleanup.sweep.log", logger)
    overdue(one, "late")
    await failed_run(one, tmp_path, "failed", 2 * HOUR)
    ended(one, "old", 49 * HOUR)
    await sweep_of(one).run()
    lines = [call for call in logger.calls if call.args == ("sweep: removes",)]
    removed = {(line.kwargs["what"], line.kwargs["entry"]) for line in lines}
    assert removed == {("orphan", "late.1"), ("object", "failed/mine"), ("receipt", "old.1.json")}
