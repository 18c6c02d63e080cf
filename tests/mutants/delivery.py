"""Bugs in what becomes of a delivery: settling, attempts, renewals, stopping."""

from tests.mutants.mutant import Mutant

_CONSUMER = "shared/consumer.py"
_OUTLET = "shared/outlet.py"
_RUNNING = "shared/running.py"
_RETRY = "shared/retry.py"
_INTAKE = "shared/intake.py"
_TESTS = (
    "tests/unit/shared/consumer",
    "tests/unit/shared/test_outlet.py",
    "tests/unit/shared/test_retry.py",
    "tests/unit/shared/test_running.py",
)

DELIVERY = (
    Mutant(
        "acknowledge before the confirm",
        _CONSUMER,
        "            result = await self._result(job, running)\n",
        "            result = await self._result(job, running)\n"
        "            await running.settle()\n",
        "a worker that dies between the two loses the job",
        _TESTS,
    ),
    Mutant(
        "terminal event not waited for",
        _OUTLET,
        "await self._insist(lambda: updates.ended(result), running)",
        "asyncio.ensure_future(updates.ended(result))",
        "a job ends and nobody is told",
        _TESTS,
    ),
    Mutant(
        "renewal that acknowledges first",
        _OUTLET,
        "        shortest = self._lane.retry(next(iter(self._lane.retry_delays)))\n",
        "        shortest = self._lane.retry(next(iter(self._lane.retry_delays)))\n"
        "        await running.settle()\n",
        "a job of which the renewal was not confirmed is lost with its worker",
        _TESTS,
    ),
    Mutant(
        "renewal of what is settled",
        _RUNNING,
        "and one.renewal is None and not one.settled",
        "and one.renewal is None",
        "a long job's message multiplies",
        (*_TESTS, "tests/unit/shared/workspace"),
    ),
    Mutant(
        "renewal not heeded when a stage fails",
        _RUNNING,
        "return self.renewed or self.delivery.lost.done()",
        "return False",
        "each failed attempt of a long job puts a second message beside the first",
        _TESTS,
    ),
    Mutant(
        "duplicate that counts as an attempt",
        _RETRY,
        "return Later(delays[0], counted=False)",
        "return Later(delays[0], counted=True)",
        "a job with duplicates fails for no reason of its own",
        _TESTS,
    ),
    Mutant(
        "attempts counted by the message alone",
        _CONSUMER,
        "running.attempt = max(running.attempt, held.failures(self.stage) + 1)",
        "running.attempt = max(running.attempt, 1)",
        "every duplicate brings attempts of its own",
        _TESTS,
    ),
    Mutant(
        "no committed result",
        _CONSUMER,
        "committed: Result = held.commit(self.stage, made.costing(cost))",
        "committed: Result = made.costing(cost)",
        "a stage is done twice, and can contradict itself",
        _TESTS,
    ),
    Mutant(
        "committed result not looked for",
        _CONSUMER,
        "            committed = held.committed(self.stage)\n",
        "            committed = None\n",
        "a stage is done twice",
        _TESTS,
    ),
    Mutant(
        "deadline not checked",
        _CONSUMER,
        "        if held.overdue:\n",
        "        if False:\n",
        "a job is begun that has no right to files any more",
        _TESTS,
    ),
    Mutant(
        "deadline not watched while a stage works",
        _RUNNING,
        "        if self.job.overdue:\n",
        "        if False:\n",
        "an encoding goes on for hours after its job's deadline",
        _TESTS,
    ),
    Mutant(
        "cancelled stage goes on",
        _RUNNING,
        "        if self.job.closed:\n",
        "        if False:\n",
        "cancelling a film stops nothing",
        _TESTS,
    ),
    Mutant(
        "time limit that ends nothing",
        _RUNNING,
        "time.monotonic() - self.began > limit_seconds:",
        "time.monotonic() - self.began > 1e9:",
        "a stage that hangs hangs for ever",
        _TESTS,
    ),
    Mutant(
        "cleanup gives up",
        _RETRY,
        'if stage == "cleanup":',
        'if stage == "cleanup" and attempt < 2:',
        "files of a job stay for ever when the storage was away for a while",
        _TESTS,
    ),
    Mutant(
        "given-up message goes on as what it was",
        _OUTLET,
        "    if isinstance(running.brought, CleanupJob):\n",
        "    if False:\n",
        "a job that the broker gave up is parked as no valid message, and never ends",
        _TESTS,
    ),
    Mutant(
        "failed job whose workers died is handed on as it was",
        _INTAKE,
        "        if died and origin and origin != self._stage:\n",
        "        if False:\n",
        "cleanup gets a message of another stage, and a job that kills workers never ends",
        _TESTS,
    ),
    Mutant(
        "broker's own headers published again",
        "shared/envelope.py",
        'if not key.startswith("x-")',
        'if not key.startswith("y-")',
        "RabbitMQ drops a message silently that goes in circles",
        ("tests/unit/shared/test_envelope.py", *_TESTS, "tests/contract/broker"),
    ),
)
