"""Which jobs are orphans."""

import pytest

from services.cleanup.sweep import why_orphan
from shared.workspace import JobOnDisk, Lease
from tests.jobs import REQUEST

LEASE = Lease(job_id="a", run=1, request=REQUEST, digest="d", created=1000, deadline=9000)


@pytest.mark.parametrize(
    ("lease", "closed", "modified", "now", "reason"),
    [
        (LEASE, False, 1000, 8999, None),
        (LEASE, False, 1000, 9001, "past its deadline"),
        (LEASE, False, 9001, 9001, "past its deadline"),
        (LEASE, True, 1000, 1600, None),
        (LEASE, True, 1000, 1601, "closed, but still there"),
        (LEASE, True, 9000, 9500, None),
        (None, False, 1000, 1600, None),
        (None, False, 1000, 1601, "no lease"),
        (None, True, 1000, 1601, "closed, but still there"),
        (None, False, 5000, 1000, None),  # made in the future, as clocks were set back
    ],
)
def test_why_orphan(
    lease: Lease | None, closed: bool, modified: float, now: float, reason: str | None
) -> None:
    job = JobOnDisk("a.1", lease, None, 0, 0, 0, modified, closed)
    assert why_orphan(job, now, grace_seconds=600) == reason
