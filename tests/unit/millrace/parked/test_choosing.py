"""Which parked messages are chosen."""

import datetime
from typing import Any

import pytest

from millrace.parked import Parked, Selection
from tests.flow import Flow
from tests.unit.millrace.parked.dead import ids, park

NOW = datetime.datetime(2026, 1, 10, tzinfo=datetime.UTC)


async def test_the_oldest_so_many(one: Flow) -> None:
    await park(one, 5)
    assert await ids(one, limit=2) == ["job-0", "job-1"]
    assert await ids(one, limit=2, ids=frozenset({"job-3"})) == ["job-3"]
    assert len(await ids(one, limit=9)) == 5


@pytest.mark.parametrize(
    ("selected", "taken"),
    [
        ({}, True),
        ({"ids": frozenset({"job", "other"})}, True),
        ({"ids": frozenset({"other"})}, False),
        ({"stage": "process"}, True),
        ({"stage": "upload"}, False),
        ({"error": "CorruptMedia"}, True),
        ({"error": "ObjectExists"}, False),
        ({"older_than": 3600}, True),
        ({"older_than": 3601}, False),
        ({"newer_than": 3600}, True),
        ({"newer_than": 3599}, False),
        ({"older_than": 3000, "newer_than": 4000}, True),
        ({"stage": "process", "error": "ObjectExists"}, False),
    ],
)
def test_every_condition_must_hold(selected: dict[str, Any], taken: bool) -> None:
    one = Parked(
        kind="failed",
        id="job",
        stage="process",
        error="CorruptMedia",
        reason="",
        parked_at=NOW - datetime.timedelta(hours=1),
    )
    assert Selection(**selected).takes(one, NOW) is taken


def test_what_has_no_age_is_not_chosen_by_age() -> None:
    one = Parked(kind="unended", id="job", error="DeliveryLimit", reason="")
    assert Selection().takes(one, NOW)
    assert not Selection(older_than=0).takes(one, NOW)
    assert not Selection(newer_than=1e9).takes(one, NOW)
