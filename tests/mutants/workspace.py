"""Bugs in how a job's directory is entered, held and described."""

from tests.mutants.mutant import Mutant

_WORKSPACE = "shared/workspace/workspace.py"
_VOLUME = "shared/workspace/volume.py"
_HELD = "shared/workspace/held.py"
_FILES = "shared/workspace/files.py"
_TESTS = ("tests/unit/shared/workspace",)

WORKSPACE = (
    Mutant(
        "no lock: each has one of its own",
        _WORKSPACE,
        '        lock = self.files.lock(f"{directory}/job.json")\n',
        '        mine = f"{directory}/job.json.{secrets.token_hex(4)}"\n'
        '        self.files.create(mine, self.files.read(f"{directory}/job.json"))\n'
        "        lock = self.files.lock(mine)\n",
        "two workers write into one job's directory",
        _TESTS,
    ),
    Mutant(
        "lock that is shared",
        _FILES,
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "two workers write into one job's directory",
        ("tests/simulation/test_volume.py", *_TESTS),
        simulated=False,
    ),
    Mutant(
        "receipt not looked for again once a job is begun",
        _WORKSPACE,
        "            if self.files.exists(self._receipt(name)):\n                # It was closed",
        "            if False:\n                # It was closed",
        "a job that has just ended is begun again",
        _TESTS,
    ),
    Mutant(
        "receipt not looked for again once a job is locked",
        _WORKSPACE,
        "        with self._unless_refused(held.lock):\n            self._refuse_closed(name)",
        "        pass",
        "a stage works on a job that was cancelled",
        _TESTS,
    ),
    Mutant(
        "directory that a duplicate brings back",
        _WORKSPACE,
        "                if made:\n                    self._closing(name, held.lock).remove()\n",
        "",
        "a duplicate at the end of a job leaves a directory",
        _TESTS,
    ),
    Mutant(
        "lease by rename",
        _WORKSPACE,
        "            self.files.link(written, path)\n",
        "            self.files.rename(written, path)\n",
        "who begins second takes the locked file's place, and both hold a lock",
        _TESTS,
    ),
    Mutant(
        "deadline by the worker's clock",
        _WORKSPACE,
        "        created = self.files.modified(directory)\n",
        "        created = __import__('time').time()\n",
        "a worker whose clock is wrong lets jobs expire, or never",
        _TESTS,
    ),
    Mutant(
        "end of a job that has no lease yet, without a lock",
        _WORKSPACE,
        "            self._link_whole(path, ENDING)\n            return self.files.lock(path)\n",
        "            return None\n",
        "a job is ended while it is begun",
        _TESTS,
    ),
    Mutant(
        "cancel without the receipt",
        _WORKSPACE,
        "self._closing(name, None).announce(job)",
        "pass",
        "the worker that holds the job never hears that it was cancelled",
        _TESTS,
    ),
    Mutant(
        "cleanup that stops at a receipt",
        _WORKSPACE,
        "            lock = self._lock_to_end(f",
        "            self._refuse_closed(name)\n            lock = self._lock_to_end(f",
        "a job whose cleanup was killed never ends",
        _TESTS,
    ),
    Mutant(
        "job id taken over by another request",
        _WORKSPACE,
        "            self._refuse_reused(held.lease, job.job_id, digest)\n",
        "            pass\n",
        "another user's request is answered with this one's files",
        _TESTS,
    ),
    Mutant(
        "orphan that expires although it began meanwhile",
        _WORKSPACE,
        "if lease and soon < lease.deadline and not",
        "if lease and soon < lease.created and not",
        "a job is ended before its deadline, by a sweep that looked too early",
        _TESTS,
    ),
    Mutant(
        "redriven run that waits unseen",
        _VOLUME,
        "self._receipt(name), self._note(name))",
        "self._receipt(name))",
        "a cancel goes to the run that failed, and the one that waits in its queue runs anyway",
        _TESTS,
    ),
    Mutant(
        "cancel of the first run",
        _VOLUME,
        "for run in range(MAX_RUNS, 0, -1):",
        "for run in range(1, MAX_RUNS + 1):",
        "a job that was run again cannot be cancelled",
        _TESTS,
    ),
    Mutant(
        "room that others were promised is given away",
        _WORKSPACE,
        "if free - promised < self._floor_bytes:",
        "if free < self._floor_bytes:",
        "downloads that began together fill the disk",
        _TESTS,
    ),
    Mutant(
        "commit by rename",
        _HELD,
        "            self.files.link(written, self._path_of(stage))\n",
        "            self.files.rename(written, self._path_of(stage))\n",
        "the second result takes the first one's place",
        _TESTS,
    ),
    Mutant(
        "line of the journal that continues a torn one",
        _HELD,
        'b"\\n%s\\n" % intent.encode()',
        'b"%s\\n" % intent.encode()',
        "an object is forgotten that was put after a crash",
        _TESTS,
    ),
    Mutant(
        "earlier attempts stay",
        _HELD,
        '            if entry.name.startswith(f"{stage}.") and',
        "            if False and",
        "every attempt of a film takes the room of a film",
        _TESTS,
    ),
    Mutant(
        "link followed on the way to a file",
        "shared/workspace/paths.py",
        "flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        "a link in the work directory leads out of it",
        _TESTS,
        simulated=False,
    ),
)
