"""Bugs in what is put into storage, and taken back."""

from tests.mutants.mutant import Mutant

_LOCAL = "shared/storage/filesystem.py"
_MEMORY = "shared/storage/memory.py"
_S3 = "shared/storage/s3.py"
_TESTS = ("tests/contract/test_storage.py", "tests/unit/shared/storage")
_S3_TESTS = (*_TESTS, "tests/contract/test_storage_s3.py")

STORAGE = (
    Mutant(
        "overwriting put, in memory",
        _MEMORY,
        "        if found and not overwrite:\n",
        "        if False:\n",
        "a job replaces another job's object",
        _TESTS,
    ),
    Mutant(
        "overwriting put, on the file system",
        _LOCAL,
        "                os.link(temporary, name, src_dir_fd=private, dst_dir_fd=folder)\n",
        "                os.replace(temporary, name, src_dir_fd=private, dst_dir_fd=folder)\n",
        "a job replaces another job's object, and cannot tell any more which is its own",
        _TESTS,
        simulated=False,
    ),
    Mutant(
        "overwriting put, on S3",
        "shared/storage/s3_put.py",
        'return {} if self.mark.replaced else {"IfNoneMatch": "*"}',
        "return {}",
        "a job replaces another job's object",
        _S3_TESTS,
        simulated=False,
    ),
    Mutant(
        "rollback of another run's object, in memory",
        _MEMORY,
        "if found and found.owner == owner and not found.replaced:",
        "if found and not found.replaced:",
        "a failed job deletes another job's object",
        _TESTS,
    ),
    Mutant(
        "rollback of another run's object, on the file system",
        _LOCAL,
        "if found and found.st_ino == temporaries.inode(folder, temporary):",
        "if found:",
        "a failed job deletes another job's object",
        _TESTS,
        simulated=False,
    ),
    Mutant(
        "rollback of another run's object, on S3",
        _S3,
        "if found and found.mark and found.mark.owner == owner and not found.mark.replaced:",
        "if found and found.mark and not found.mark.replaced:",
        "a failed job deletes another job's object",
        _S3_TESTS,
        simulated=False,
    ),
    Mutant(
        "token not compared, in memory",
        _MEMORY,
        "if found and found.owner == owner and not found.replaced:",
        "if found and found.owner.run == owner.run "
        "and found.owner.job_id == owner.job_id and not found.replaced:",
        "a failed job deletes the object of a completed one that has its name in another lane",
        _TESTS,
    ),
    Mutant(
        "token not compared, on the file system",
        "shared/storage/temporaries.py",
        '    return f"{signature}.{owner.token}" if owner.token else signature\n',
        "    return signature\n",
        "a job takes another lane's object for its own, and deletes it when it fails",
        _TESTS,
        simulated=False,
    ),
    Mutant(
        "token not compared, on S3",
        _S3,
        "if found and found.mark and found.mark.owner == owner and not found.mark.replaced:",
        "if found and found.mark and found.mark.owner.run == owner.run "
        "and found.mark.owner.job_id == owner.job_id and not found.mark.replaced:",
        "a failed job deletes the object of a completed one that has its name in another lane",
        _S3_TESTS,
        simulated=False,
    ),
    Mutant(
        "token that every lease has",
        "shared/workspace/workspace.py",
        "token=secrets.token_hex(8)",
        'token="0"',
        "a job takes the objects of another lane for its own, and deletes them when it fails",
        ("tests/unit/shared/workspace", "tests/unit/services/cleanup"),
    ),
    Mutant(
        "put that is journalled afterwards",
        _LOCAL,
        "        journal(Intent(key=key, token=temporary))\n"
        "        await in_thread(partial(self._write, key, source, temporary, sha256, overwrite))\n",
        "        await in_thread(partial(self._write, key, source, temporary, sha256, overwrite))\n"
        "        journal(Intent(key=key, token=temporary))\n",
        "an object stays that a killed worker put",
        _TESTS,
        simulated=False,
    ),
    Mutant(
        "multipart upload that nobody aborts",
        "shared/storage/s3_put.py",
        "                await abort(self.client, self.bucket, self.key, await beginning)\n",
        "                await beginning\n",
        "the parts of a failed upload are paid for for ever",
        _S3_TESTS,
        simulated=False,
    ),
)
