"""Each operation on the work directory fails once, with each error that a disk or a kernel has."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.workspace.files import Files, room_errors
from tests.flow import Flow, flow
from tests.waiting import until

OPERATIONS = [name for name in vars(Files) if not name.startswith("_")]


class Failing(Files):
    """The `number`-th operation from now on fails, and no other.

    Attributes:
        failed: the operation that did; None while none has.
    """

    def __init__(self, code: int, number: int) -> None:
        self.failed: str | None = None
        self._code = code
        self._left = number

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._wrapped(name, found) if name in OPERATIONS else found

    def _wrapped(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self.failed = name
                if name == "unlock":  # a descriptor is gone also where closing it fails
                    operation(*arguments)
                with room_errors():
                    raise OSError(self._code, os.strerror(self._code))
            return operation(*arguments)

        return work


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOSPC], ids=os.strerror)
async def test_a_job_ends_well_whichever_operation_fails(tmp_path: Path, code: int) -> None:
    failed = set()
    async with flow(tmp_path / "root", concurrency=1) as one:
        for number in range(1, 1000):
            failing = one.workspace.files = Failing(code, number)
            await ended_well(one, f"job-{number}", failing)
            if failing.failed is None:
                break
            failed.add(failing.failed)
        else:
            pytest.fail("there is no end of operations")
    # What only the sweep and the health page do is not part of a job's life.
    assert failed >= set(OPERATIONS) - {"make_root", "space", "remove_directory", "touch"}
    assert number > 40


async def ended_well(one: Flow, job_id: str, failing: Failing) -> None:
    """The job completes, once, and leaves its results and nothing else."""
    await one.submit(job_id)
    end = await one.end_of(job_id)
    where = f"{job_id}: {failing.failed}"
    assert end["outcome"] == "completed", (where, end)
    await until(lambda: one.left() == [], f"nothing left after {where}")
    assert f"{job_id}/copy-0.jpg" in await one.keys(), where
    await one.quiet()
    assert len({event["id"] for event in one.about(job_id, {"completed", "failed"})}) == 1, where
