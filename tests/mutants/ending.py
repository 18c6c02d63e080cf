"""Bugs in how a job ends: receipt, rollback, removal, sweep."""

from tests.mutants.mutant import Mutant

_CLOSING = "shared/workspace/closing.py"
_STAGE = "services/cleanup/stage.py"
_SWEEP = "services/cleanup/sweep.py"
_TESTS = ("tests/unit/shared/workspace", "tests/unit/shared/consumer")
_SWEEP_TESTS = ("tests/unit/services/cleanup",)

ENDING = (
    Mutant(
        "receipt after the rename",
        _STAGE,
        "        receipt = work.receipt(job)\n",
        "        work.remove()\n        receipt = work.receipt(job)\n",
        "a duplicate that comes in between begins the job anew",
        _TESTS,
    ),
    Mutant(
        "receipt by rename",
        _CLOSING,
        "            self._files.link(written, self._receipt)\n",
        "            self._files.rename(written, self._receipt)\n"
        "            written = self._write(receipt)\n",
        "a job has two outcomes, and the second wins",
        _TESTS,
    ),
    Mutant(
        "later message decides the outcome",
        _CLOSING,
        "            outcome=receipt.outcome,\n            source=",
        "            outcome=job.outcome,\n            source=",
        "a cancelled job says that it is completed, and has no results",
        _TESTS,
    ),
    Mutant(
        "job that was begun while it was ended",
        _CLOSING,
        "        if self._lock is None and self._files.exists(self._directory):\n",
        "        if False:\n",
        "a job has ended, and its directory is there",
        _TESTS,
    ),
    Mutant(
        "what a killed cleanup has left in the trash",
        _CLOSING,
        "            if entry.name.startswith(mine):\n",
        "            if entry.name.startswith(mine) and self._lock is not None:\n",
        "a job has ended, and its files are in the trash",
        _TESTS,
    ),
    Mutant(
        "trash of another run",
        _CLOSING,
        '        mine = self._name + "."\n',
        "        mine = self._name\n",
        "what run 1 removes is torn out of the hands of run 10",
        _TESTS,
    ),
    Mutant(
        "parked again and again",
        _STAGE,
        'receipt.outcome == "failed" and not receipt.parked',
        'receipt.outcome == "failed"',
        "a failed job lies in the dead queue twice, and is run again twice",
        _TESTS,
    ),
    Mutant(
        "objects of a failed job stay",
        _STAGE,
        'keeps = receipt.outcome == "completed" or receipt.overwrites',
        'keeps = receipt.outcome != "cancelled" or receipt.overwrites',
        "a consumer of results sees half a set",
        _TESTS,
    ),
    Mutant(
        "only the first object is rolled back",
        _STAGE,
        "(settle(intent) for intent in intents)",
        "(settle(intent) for intent in intents[:1])",
        "a consumer of results sees half a set",
        _TESTS,
    ),
    Mutant(
        "sweep that ignores a lease",
        _SWEEP,
        "now > job.lease.deadline else None",
        "age > grace_seconds else None",
        "a job that waits in a queue loses its files",
        _SWEEP_TESTS,
    ),
    Mutant(
        "no grace for what has no lease yet",
        _SWEEP,
        'return "no lease" if age > grace_seconds else None',
        'return "no lease"',
        "a job expires while it is begun",
        _SWEEP_TESTS,
    ),
    Mutant(
        "sweep by the worker's clock",
        _SWEEP,
        "        now = self._workspace.now()\n",
        "        now = time.time()\n",
        "a service whose clock is wrong sweeps running jobs",
        _SWEEP_TESTS,
    ),
    Mutant(
        "no second look for late objects",
        _SWEEP,
        "                if old.receipt is not None:\n",
        "                if False:\n",
        "a put that lands after its job has failed stays for ever",
        _SWEEP_TESTS,
    ),
    Mutant(
        "receipts dropped after the grace",
        _SWEEP,
        "RECEIPT_LIVES * max(hours, LEAST_HOURS) * 3600",
        "self.age_seconds - 1",
        "a duplicate that comes an hour later does the job again",
        _SWEEP_TESTS,
    ),
    Mutant(
        "one bad entry ends the sweep",
        _SWEEP,
        "            self.leave(name, error)\n",
        "            raise\n",
        "nothing is swept any more because of one directory",
        _SWEEP_TESTS,
    ),
)
