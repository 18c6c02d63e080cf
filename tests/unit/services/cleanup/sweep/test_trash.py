"""Trash that is emptied, and receipts that are dropped."""

from pathlib import Path

from tests.flow import Flow
from tests.jobs import REQUEST
from tests.unit.services.cleanup.sweep.lane import HOUR, MINUTE, age, ended, sweep_of


async def test_old_trash_is_emptied(one: Flow) -> None:
    trash = Path(one.workspace.trash)
    for name, minutes in (("old.1.aa", 61), ("young.1.bb", 59)):
        (trash / name / "deep").mkdir(parents=True)
        (trash / name / "deep" / "file").touch()
        age(trash / name, minutes * MINUTE)
    age_file = trash / "left.1.cc"
    age_file.touch()
    age(age_file, 2 * HOUR)
    report = await sweep_of(one).run()
    assert sorted(report.trash) == ["left.1.cc", "old.1.aa"]
    assert {path.name for path in trash.iterdir()} == {"young.1.bb"}


async def test_receipts_older_than_any_message_are_dropped(one: Flow) -> None:
    ended(one, "young", 47 * HOUR)
    ended(one, "old", 49 * HOUR)
    long = REQUEST.model_copy(update={"ttl_hours": 100.0})
    ended(one, "long", 199 * HOUR, request=long)
    ended(one, "longer", 201 * HOUR, request=long)
    report = await sweep_of(one).run()
    assert sorted(report.receipts) == ["longer.1.json", "old.1.json"]
    assert [path.stem for path in one.workspace.receipts()] == ["long.1", "young.1"]


async def test_receipt_of_a_short_lived_job_stays_as_long_as_others(one: Flow) -> None:
    """Its messages may lie in a queue that nobody reads, too."""
    short = REQUEST.model_copy(update={"ttl_hours": 0.01})
    ended(one, "young", 47 * HOUR, request=short)
    ended(one, "old", 49 * HOUR, request=short)
    report = await sweep_of(one).run()
    assert report.receipts == ["old.1.json"]


async def test_damaged_receipt_is_dropped_by_its_age_too(one: Flow) -> None:
    for name, hours in (("young.1.json", 47), ("old.1.json", 24 * 61)):
        path = Path(one.workspace.closed) / name
        path.write_bytes(b"\0" * 10)
        age(path, hours * HOUR)
    report = await sweep_of(one).run()
    assert report.receipts == ["old.1.json"]


async def test_the_note_of_a_redrive_goes_once_its_run_has_ended_or_waits_no_more(
    one: Flow,
) -> None:
    for name, hours in (("waits", 24 * 59), ("waited", 24 * 61), ("ended", 0)):
        one.workspace.note_redrive(name, 1)
        age(Path(one.workspace.closed) / f"{name}.1.redriven", hours * HOUR)
    # No sweep came by for so long that the receipt goes as well.
    ended(one, "ended", 49 * HOUR)
    assert len((await sweep_of(one).run(dry_run=True)).receipts) == 3
    assert len(one.workspace.redrives()) == 3

    report = await sweep_of(one).run()
    assert sorted(report.receipts) == ["ended.1.json", "ended.1.redriven", "waited.1.redriven"]
    assert [path.name for path in one.workspace.redrives()] == ["waits.1.redriven"]
