"""A process that dies by SIGKILL at one point of a put: `python -m tests.contract.dying …`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.storage.base import Intent, Owner, Storage
from shared.storage.filesystem import FilesystemStorage
from shared.storage.s3 import S3Storage
from tests.contract.stores import bucket_at


async def main(where: str, key: str, source: str, sha256: str, journal: str, death: str) -> None:
    """Put `source`, and die after as many intents as `death` says, or after the put."""
    intents = 0

    def write_down(intent: Intent) -> None:
        nonlocal intents
        with Path(journal).open("ab") as file:
            file.write(intent.encode() + b"\n")
        intents += 1
        if str(intents) == death:
            die()

    await storage(where).put(
        key,
        Path(source),
        media_type="image/webp",
        sha256=sha256,
        owner=Owner(job_id="job", run=1),
        journal=write_down,
    )
    die()


def storage(where: str) -> Storage:
    kind, place = where.split("=", 1)
    if kind == "filesystem":
        return FilesystemStorage(Path(place))
    endpoint, _, bucket = place.rpartition("/")
    return S3Storage(bucket_at(endpoint, bucket))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
